"""A growth report as one self-contained HTML page."""

from ops_client.growth_page.page import growth_page

__all__ = ["growth_page"]
