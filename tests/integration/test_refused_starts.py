"""A refused start: nothing listens, and nothing is left of it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from fix_host import Host, HostError, StartHost

LEFT = (
    "import os, threading\n"
    "answer = [sorted(filter(None, (link(fd) for fd in os.listdir('/proc/self/fd')))),"
    " [t.name for t in threading.enumerate() if t.name.startswith('ops_service')]]"
)
LINK = (
    "import os\n"
    "def link(fd):\n"
    "    try: return os.readlink(f'/proc/self/fd/{fd}')\n"
    "    except OSError: return ''"
)


@pytest.fixture
def port() -> int:
    """A port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def assert_refused(host: Host, port: int, words: str) -> None:
    """The start is refused in these words, nothing listens, and nothing is left."""
    # Open first what gRPC opens once in a process.
    host.run(f"import grpc.aio, ops_service.server.service\n{LINK}")
    before = host.run(LEFT)
    with pytest.raises(HostError, match=words):
        host.start_service()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5).close()
    host.wait_for("not [t for t in threading.enumerate() if t.name.startswith('ops_service')]")
    left = host.run(LEFT)
    # gRPC keeps pollers and their wake-up descriptors, which name no file.
    new = [name for name in left[0] if name not in before[0]]
    assert [name for name in new if not name.startswith(("anon_inode:", "socket:"))] == []
    host.assert_alive()


def test_a_run_directory_that_is_full(start_host: StartHost, port: int, tmp_path: Path) -> None:
    server = {"address": f"127.0.0.1:{port}", "run_directory": str(tmp_path / "run")}
    host = start_host(serve=False, server=server)
    host.run(
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))"
    )
    assert_refused(host, port, r"StartError: The run directory .* cannot be used")
    assert list((tmp_path / "run").iterdir()) == []
    host.run("resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (resource.RLIM_INFINITY,))")
    host.start_service()
    assert json.loads((tmp_path / "run/worker-0.json").read_text())["address"] == host.address


def test_a_descriptor_that_cannot_be_written(
    start_host: StartHost, port: int, tmp_path: Path
) -> None:
    # The descriptor is written once the port is open, so the port must close again.
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    (run / "worker-0.json").mkdir()
    server = {"address": f"127.0.0.1:{port}", "run_directory": str(run)}
    host = start_host(serve=False, server=server)
    assert_refused(host, port, r"StartError: The descriptor .* cannot be written")
    (run / "worker-0.json").rmdir()
    # The slot is free again too.
    host.start_service()
    assert sorted(each.name for each in run.iterdir()) == ["slot-0.lock", "worker-0.json"]


def test_a_store_that_cannot_be_used(start_host: StartHost, port: int, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no directory")
    server = {"address": f"127.0.0.1:{port}", "run_directory": str(tmp_path / "run")}
    store = {"directory": str(tmp_path / "store")}
    host = start_host(serve=False, server=server, store=store)
    assert_refused(host, port, "StartError: ")
    (tmp_path / "store").unlink()
    host.start_service()
