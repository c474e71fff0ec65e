"""A growth report as one page of HTML that needs nothing else."""

from ops_client.growth_page.page import growth_page

__all__ = ["growth_page"]
