"""Heap graphs as tables, for SQL. Needs ops-service[analysis]."""

from ops_client.tables.export import export_tables
from ops_client.tables.query import QueryResult, query

__all__ = ["QueryResult", "export_tables", "query"]
