"""Typed clients of the ops_service maintenance port.

    credentials = ClientCredentials("ca.pem", "client.pem", "client.key")
    with MaintenanceClient("localhost:8443", credentials) as client:
        for each in client.summarize_heap(limit=10).types:
            print(each.count, each.type_name)

``AsyncMaintenanceClient`` has the same methods for asyncio. ``heap_graph`` reads
the files that captures write, and ``devtools`` converts them for Chrome.
"""

from ops_client._async.client import AsyncMaintenanceClient
from ops_client._evaluation import Evaluation
from ops_client._snapshot_stream import CapturedSnapshot, CaptureProgress
from ops_client._sync.client import MaintenanceClient
from ops_client.credentials import ClientCredentials

__all__ = [
    "AsyncMaintenanceClient",
    "CaptureProgress",
    "CapturedSnapshot",
    "ClientCredentials",
    "Evaluation",
    "MaintenanceClient",
]
