"""A report on a heap graph as one HTML page that needs no network. Needs NumPy."""

from ops_client.report.heap_page import write_report

__all__ = ["write_report"]
