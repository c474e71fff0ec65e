"""The synchronous client is what its generator makes from the asynchronous one."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

from ops_client import AsyncMaintenanceClient, MaintenanceClient

ROOT = Path(__file__).resolve().parents[2]
SYNC = Path("clients/python/ops_client/_sync")


def test_the_synchronous_client_is_current(tmp_path: Path) -> None:
    script = ROOT / "tools/generate_sync_client.py"
    subprocess.run([sys.executable, script, tmp_path], check=True)
    generated = {path.name: path.read_text() for path in (tmp_path / SYNC).glob("*.py")}
    committed = {path.name: path.read_text() for path in (ROOT / SYNC).glob("*.py")}
    assert committed == generated, "run tools/generate_sync_client.py"


def test_both_clients_have_the_same_methods() -> None:
    def parameters(client: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(client, inspect.isfunction)
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in methods
            if not name.startswith("_")
        }

    assert parameters(MaintenanceClient) == parameters(AsyncMaintenanceClient)
    assert "capture_heap_snapshot" in parameters(MaintenanceClient)
