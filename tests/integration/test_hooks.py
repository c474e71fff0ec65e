"""What the hooks of hosts cost: at most a second, whatever the port does."""

from __future__ import annotations

import os
from pathlib import Path

from fix_certs import CertificateAuthority, Identity
from fix_host import Host, StartHost, configuration, toml

from ops_service.v1 import process_pb2

LOGGED = (
    "import logging\n"
    "logged = []\n"
    "class Keep(logging.Handler):\n"
    "    def emit(self, record): logged.append(record.getMessage())\n"
    "logging.getLogger('ops_service').addHandler(Keep())\n"
    "import threading\n"
    "from ops_service import integrations\n"
)
OPENING = "integrations._opening.is_alive()"


def slow_host(start_host: StartHost, tmp_path: Path) -> tuple[Host, Path]:
    """A host whose configuration is a pipe, which stays empty until somebody writes to it."""
    pipe = tmp_path / "config"
    os.mkfifo(pipe, 0o600)
    host = start_host(serve=False, environment={"OPS_SERVICE_CONFIG": str(pipe)})
    host.run(LOGGED)
    return host, pipe


def test_a_port_that_takes_long_opens_meanwhile(
    start_host: StartHost, authority: CertificateAuthority, admin: Identity, tmp_path: Path
) -> None:
    host, pipe = slow_host(start_host, tmp_path)
    # The hook returned, although the port cannot be open.
    assert host.run("answer = integrations.start_worker('slow') is None")
    assert host.run(f"answer = {OPENING}")
    assert "opens in the background" in host.run("answer = logged[0]")
    # A second hook, such as a framework's next to its server's, does not open a second port.
    assert host.run("answer = integrations.start_worker('slow') is None and len(logged) == 1")

    pipe.write_text(toml(configuration(authority, tmp_path / "audit.jsonl")))
    host.wait_for(f"not {OPENING}")
    host.address = host.run("answer = integrations.start_worker('slow').address")
    reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    assert reply.process.pid == host.pid
    host.run("integrations.stop_worker()")
    host.wait_for("not [t for t in threading.enumerate() if t.name.startswith('ops_service')]")


def test_a_port_that_is_given_up_before_it_is_open(
    start_host: StartHost, authority: CertificateAuthority, tmp_path: Path
) -> None:
    host, pipe = slow_host(start_host, tmp_path)
    host.run("integrations.start_worker('slow'); opening = integrations._opening")
    host.run("integrations.stop_worker()")
    pipe.write_text(toml(configuration(authority, tmp_path / "audit.jsonl")))
    host.wait_for("not opening.is_alive()")
    assert host.run("answer = opening.service.running") is False
    host.wait_for("not [t for t in threading.enumerate() if t.name.startswith('ops_service')]")


def test_a_port_that_does_not_end_is_left(start_host: StartHost) -> None:
    host = start_host(serve=False)
    taken = []
    # One of three must be in time, because machines can be busy.
    for _ in range(3):
        taken.append(
            host.run(
                "import threading, time\n"
                "from ops_service import integrations\n"
                "service = integrations.start_worker('stuck')\n"
                "while service is None: service = integrations.start_worker('stuck')\n"
                "thread, go_on = service._thread, threading.Event()\n"
                "service._post(go_on.wait)\n"
                "began = time.monotonic()\n"
                "integrations.stop_worker()\n"
                "answer = time.monotonic() - began\n"
                # Its loop stands still, and the hook has returned nevertheless.
                "assert thread.is_alive()\n"
                "go_on.set()\n"
                "thread.join()"
            )
        )
        if taken[-1] < 1.0:
            break
    else:
        raise AssertionError(f"the hook took {taken} seconds")
    host.assert_alive()


def test_a_script_does_not_wait_for_its_port(start_host: StartHost, tmp_path: Path) -> None:
    host, _ = slow_host(start_host, tmp_path)
    host.run("integrations.start_worker('slow')")
    host.exit()
    # It exits cleanly, and prints nothing about a thread that still ran.
    assert host.process.wait(60) == 0
    host.assert_printed_nothing()
