"""Hosts with a store, and reads from one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_host import Host
from fix_status import status_of

from ops_client import MaintenanceClient
from ops_service.v1 import heap_pb2, store_pb2

CAPTURE = heap_pb2.CaptureHeapSnapshotRequest(store=True)
BALLAST = "ballast = [[i, str(i)] for i in range(400_000)]"


def store_at(directory: Path, max_bytes: int = 1 << 30) -> dict[str, Any]:
    return {"directory": str(directory), "max_bytes": max_bytes}


def stored(client: MaintenanceClient) -> dict[str, store_pb2.StoredSnapshot]:
    return {each.snapshot_id: each for each in client.list_snapshots().snapshots}


def read(host: Host, identity: Identity, snapshot_id: str, offset: int = 0) -> Any:
    request = store_pb2.ReadSnapshotRequest(snapshot_id=snapshot_id, offset=offset)
    return host.stub(identity).ReadSnapshot(request, timeout=120)


def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as raised:
        list(call)
    status = status_of(raised.value)
    return status.code.name, status.reason
