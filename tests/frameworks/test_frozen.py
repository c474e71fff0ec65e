"""An application that PyInstaller has frozen: one folder, without files of data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity
from fix_client import credentials_of
from fix_idle import IDLE, running_idle
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

import ops_service
from ops_client import MaintenanceClient


@pytest.fixture
def address(authority: CertificateAuthority, tmp_path: Path) -> Iterator[str]:
    """Address of the port in the frozen application."""
    script = tmp_path / "app.py"
    script.write_text(IDLE)
    # An editable installation is found by an import hook that PyInstaller does not follow.
    source = Path(ops_service.__file__).parents[1]
    freeze = [sys.executable, "-m", "PyInstaller", "--log-level", "WARN", "--paths", source, script]
    subprocess.run(freeze, cwd=tmp_path, check=True)
    with running_idle(authority, tmp_path, [tmp_path / "dist/app/app"]) as address:
        yield address


def test_a_frozen_application_is_seen(address: str, admin: Identity, tmp_path: Path) -> None:
    client = MaintenanceClient(address, credentials_of(admin))
    engine = client.get_process().snapshot_engine
    assert (engine.available, engine.unavailable_reason) == (True, "")
    captured = client.capture_heap_snapshot(tmp_path / "a.heap")
    assert captured.trailer.object_count > 10_000
    assert "app.py" in {
        frame.file for group in client.capture_stacks().groups for frame in group.frames
    }
    assert client.evaluate_code("1 + 1").result.value_repr == "2"
    client.close()
    # Its folder lacks the descriptor set.
    assert not list(tmp_path.rglob("*.binpb"))
    with grpc.secure_channel(address, admin.channel_credentials()) as channel:
        files = ProtoReflectionDescriptorDatabase(channel)
        assert "ops_service.v1.MaintenanceService" in files.get_services()
        file = files.FindFileContainingSymbol("ops_service.v1.MaintenanceService.GetProcess")
        assert file.service[0].name == "MaintenanceService"
