"""Where a host stops the service: at its exit, after a signal, or in any thread."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_host import Host, StartHost

from ops_service.v1 import growth_pb2, process_pb2

THREADS = "[t for t in __import__('threading').enumerate() if t.name.startswith('ops_service')]"


@pytest.fixture
def served(start_host: StartHost, tmp_path: Path) -> Host:
    """A host with a run directory, so that remaining files can be seen."""
    return start_host(server={"run_directory": str(tmp_path / "run")})


def stream(host: Host, identity: Identity) -> Any:
    """A stream that goes on until the service or the test ends it."""
    call = host.stub(identity).WatchHeapGrowth(growth_pb2.WatchHeapGrowthRequest(), timeout=120)
    next(call)
    return call


def assert_stopped(host: Host, call: Any, tmp_path: Path) -> None:
    """The stream has ended, nothing listens, and no descriptor is left."""
    with pytest.raises(grpc.RpcError):
        list(call)
    port = int(host.address.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5).close()
    assert [each.name for each in (tmp_path / "run").iterdir()] == ["slot-0.lock"]
    assert host.wait_for_last_call("WatchHeapGrowth")[-1]["code"] == "CANCELLED"
    host.assert_printed_nothing()


def test_in_an_atexit(served: Host, admin: Identity, tmp_path: Path) -> None:
    call = stream(served, admin)
    # It runs before the service's own handler, which was registered earlier.
    served.run(
        "import atexit\n"
        "def at_exit():\n"
        "    service.stop()\n"
        f"    open({str(tmp_path / 'told')!r}, 'w').write(repr(service.running))\n"
        "atexit.register(at_exit)"
    )
    served.exit()
    assert served.process.wait(60) == 0
    assert (tmp_path / "told").read_text() == "False"
    assert_stopped(served, call, tmp_path)


@pytest.mark.parametrize("where", ["in the handler", "after it"])
def test_in_a_signal_handlers_wake(
    served: Host, admin: Identity, tmp_path: Path, where: str
) -> None:
    call = stream(served, admin)
    served.run(
        "import os, signal, threading\n"
        "told = threading.Event()\n"
        "def on_signal(number, frame):\n"
        f"    {'service.stop()' if where == 'in the handler' else 'pass'}\n"
        "    told.set()\n"
        "signal.signal(signal.SIGTERM, on_signal)"
    )
    served.process.terminate()
    served.wait_for("told.is_set()")
    served.run("service.stop(); answer = service.running")
    served.wait_for(f"not {THREADS}")
    assert_stopped(served, call, tmp_path)
    # Start once more in the same process.
    served.start_service()
    assert served.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)


def test_from_other_threads(served: Host, admin: Identity, tmp_path: Path) -> None:
    call = stream(served, admin)
    served.run(
        "import threading\n"
        "together = threading.Barrier(4)\n"
        "def stop():\n"
        "    together.wait()\n"
        "    service.stop()\n"
        "threads = [threading.Thread(target=stop) for _ in range(4)]\n"
        "for each in threads: each.start()\n"
        "for each in threads: each.join()\n"
        "assert not service.running"
    )
    served.wait_for(f"not {THREADS}")
    assert_stopped(served, call, tmp_path)


def test_from_a_thread_while_the_host_exits(served: Host, admin: Identity, tmp_path: Path) -> None:
    call = stream(served, admin)
    served.run("import threading; threading.Thread(target=service.stop).start()")
    served.exit()
    assert served.process.wait(60) == 0
    assert_stopped(served, call, tmp_path)
