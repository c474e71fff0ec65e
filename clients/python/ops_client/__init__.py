"""Typed clients of the ops_service maintenance port.

    credentials = ClientCredentials("ca.pem", "client.pem", "client.key")
    with MaintenanceClient("localhost:7443", credentials) as client:
        for each in client.summarize_heap(limit=10).types:
            print(each.count, each.type_name)

``AsyncMaintenanceClient`` has the same methods for asyncio. ``heap_graph`` reads
the files that captures write, and ``devtools`` converts them for Chrome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_client._lazy import lazy_names

if TYPE_CHECKING:
    from ops_client._allocations import AllocationTrace
    from ops_client._async.client import AsyncMaintenanceClient
    from ops_client._evaluation import Evaluation
    from ops_client._history import GrowthHistory
    from ops_client._operation import OperationRun
    from ops_client._snapshot_stream import CapturedSnapshot, CaptureProgress
    from ops_client._stacks import Stacks
    from ops_client._sync.client import MaintenanceClient
    from ops_client.credentials import ClientCredentials

__all__ = [
    "AllocationTrace",
    "AsyncMaintenanceClient",
    "CaptureProgress",
    "CapturedSnapshot",
    "ClientCredentials",
    "Evaluation",
    "GrowthHistory",
    "MaintenanceClient",
    "OperationRun",
    "Stacks",
]

# Loaded on first use, so that files can be read without gRPC, and so that opsctl can
# set gRPC's environment before gRPC loads.
_MODULES = {
    "AllocationTrace": "_allocations",
    "AsyncMaintenanceClient": "_async.client",
    "CaptureProgress": "_snapshot_stream",
    "CapturedSnapshot": "_snapshot_stream",
    "ClientCredentials": "credentials",
    "Evaluation": "_evaluation",
    "GrowthHistory": "_history",
    "MaintenanceClient": "_sync.client",
    "OperationRun": "_operation",
    "Stacks": "_stacks",
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
