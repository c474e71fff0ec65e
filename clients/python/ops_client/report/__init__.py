"""A heap graph as one page that a browser opens without a network. Needs NumPy."""

from ops_client.report.heap_page import write_report

__all__ = ["write_report"]
