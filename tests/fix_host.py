"""Host applications: real child processes with a maintenance port."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from heartbeat import RECORD_BYTES, recorded

from ops_service.v1.maintenance_service_pb2_grpc import MaintenanceServiceStub

PROGRAM = Path(__file__).with_name("host_process.py")
# How many objects two threads of a host make and drop, a hundred times a second, and the
# seconds between two beats of its heart. A run of the suite has several hosts at a time, and
# with the values of MEASURED each keeps a sixth of a processor busy.
ALLOCATIONS, BEAT = "HOST_ALLOCATIONS", "HOST_BEAT"
MEASURED = {ALLOCATIONS: "500", BEAT: "0.001"}
"""Variables for hosts that are busy, and whose gaps are measured."""
TRUST_DOMAIN = "test.example"
ALL = ["INSPECT", "READ_HEAP", "READ_CONTENT", "OPERATE", "EVALUATE"]
ADMIN = f"spiffe://{TRUST_DOMAIN}/admin"
VIEWER = f"spiffe://{TRUST_DOMAIN}/viewer"


class Host:
    """A running host application."""

    def __init__(
        self,
        directory: Path,
        authority: CertificateAuthority,
        environment: dict[str, str],
        options: Sequence[str],
    ) -> None:
        self.directory = directory
        self.authority = authority
        self.audit_file = directory / "audit.jsonl"
        self.output_file = directory / "output.txt"
        # The host's own folder, so that files it leaves there can be seen.
        self.temporary_files = directory / "tmp"
        self.temporary_files.mkdir()
        self.heartbeat_file = directory / "heartbeat"
        self.heartbeat_file.write_bytes(bytes(RECORD_BYTES))
        self.places: set[Path] = {directory}
        """Folders that the host, or the port in it, may write to."""
        self.address = ""
        self.instance_id = ""
        self._channels: list[grpc.Channel] = []
        commands_read, commands_write = os.pipe()
        replies_read, replies_write = os.pipe()
        with self.output_file.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, *options, PROGRAM, str(commands_read), str(replies_write)),
                    *(os.environ.get(ALLOCATIONS, "100"), self.heartbeat_file),
                    os.environ.get(BEAT, "0.01"),
                ],
                pass_fds=(commands_read, replies_write),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "PYTHONUNBUFFERED": "1",
                    "TMPDIR": str(self.temporary_files),
                    **environment,
                },
            )
        os.close(commands_read)
        os.close(replies_write)
        self._commands = os.fdopen(commands_write, "w", encoding="utf-8")
        self._replies = os.fdopen(replies_read, encoding="utf-8")

    @property
    def pid(self) -> int:
        return self.process.pid

    def _do(self, **command: Any) -> Any:
        self._commands.write(json.dumps(command) + "\n")
        self._commands.flush()
        line = self._replies.readline()
        if not line:
            self.process.wait(10)
            raise AssertionError(
                f"the host ended with {self.process.returncode}: {self.output_file.read_text()}"
            )
        reply = json.loads(line)
        if "error" in reply:
            raise HostError(reply["error"])
        return reply["answer"]

    def start_service(self) -> None:
        """Start the service in the host. Raises HostError with the traceback if it refuses."""
        facts = self._do(do="start")
        self.address = facts["address"]
        self.instance_id = facts["instance_id"]

    def run(self, code: str) -> Any:
        """Run statements in the host's main thread. Return what they assign to ``answer``."""
        return self._do(do="run", code=code)

    def largest_gap(self) -> float:
        """Longest time, in seconds, that a thread of the host did not run since the last call."""
        gap = self.run("answer = heartbeat.largest_gap; heartbeat.largest_gap = 0.0")
        assert isinstance(gap, float)
        return gap

    def largest_wait(self) -> float:
        """As `largest_gap`, but with the time that its threads waited for a processor."""
        wait = self.run("answer = heartbeat.largest_wait; heartbeat.largest_wait = 0.0")
        assert isinstance(wait, float)
        return wait

    def gap_percentile(self, share: float = 0.99) -> float:
        """This share of such gaps stayed below the result, in seconds, since the last call."""
        gap = self.run(f"answer = heartbeat.take_percentile({share})")
        assert isinstance(gap, float)
        return gap

    def recorded_gaps(self, share: float = 0.99) -> tuple[float, float]:
        """`largest_gap` and `gap_percentile` of a host that has ended."""
        return recorded(self.heartbeat_file, share)

    def assert_alive(self) -> None:
        """Fail unless the application still works."""
        beats = self.run("answer = heartbeat.beats")
        self.wait_for(f"heartbeat.beats > {beats}")
        assert self.process.poll() is None

    def wait_for(self, condition: str, seconds: float = 60.0) -> None:
        """Wait until an expression is true in the host. Fail if it does not come true."""
        self.run(f"eventually(lambda: ({condition}), within={seconds}, pause=0.005)")

    def assert_printed_nothing(self) -> None:
        """Fail if the host's standard output or error is not empty."""
        assert self.output_file.read_text() == ""

    def wait_for_records(self, method: str, count: int) -> list[dict[str, Any]]:
        """The last audit records of a method, once there are that many."""
        eventually(
            lambda: len(self._records_of(method)) >= count,
            lambda: f"only {self._records_of(method)}",
        )
        return self._records_of(method)[-count:]

    def wait_for_last_call(self, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The begin and end records of the last call of a method.

        A host that earlier tests called has their records too. The end record is written
        after the answer, but the begin record is written before any part of the answer.
        """

        def call() -> tuple[dict[str, Any], dict[str, Any]] | None:
            found = self._records_of(method)
            begins = [r for r in found if r["event"] == "begin"]
            for end in found:
                if begins and end["event"] == "end" and end["call_id"] == begins[-1]["call_id"]:
                    return begins[-1], end
            return None

        ended = eventually(call, lambda: f"only {self._records_of(method)}")
        assert ended is not None
        return ended

    def _records_of(self, method: str) -> list[dict[str, Any]]:
        return [r for r in self.audit_records() if r["method"].endswith(f"/{method}")]

    def audit_records(self) -> list[dict[str, Any]]:
        # Without the line that is being written right now.
        *whole, _ = self.audit_file.read_text().split("\n")
        return [json.loads(line) for line in whole]

    def channel(
        self, identity: Identity, options: list[tuple[str, Any]] | None = None
    ) -> grpc.Channel:
        channel = grpc.secure_channel(self.address, identity.channel_credentials(), options)
        self._channels.append(channel)
        return channel

    def stub(self, identity: Identity) -> MaintenanceServiceStub:
        return MaintenanceServiceStub(self.channel(identity))

    def exit(self) -> None:
        """Tell the application to exit, without waiting for it."""
        self._commands.write('{"do": "exit"}\n')
        self._commands.flush()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        for channel in self._channels:
            channel.close()
        self.process.kill()
        self.process.wait()
        self._commands.close()
        self._replies.close()


class HostError(Exception):
    """Code in the host raised. The text is its traceback."""


def toml(table: dict[str, Any], prefix: str = "") -> str:
    """Write nested dictionaries, and lists of them, as TOML."""
    lines: list[str] = []
    tables: list[str] = []
    for key, value in table.items():
        if isinstance(value, dict):
            tables.append(f"\n[{prefix}{key}]\n{toml(value, f'{prefix}{key}.')}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [f"\n[[{prefix}{key}]]\n{toml(item)}" for item in value]
        else:
            lines.append(f"{key} = {json.dumps(value)}\n")
    return "".join(lines + tables)


def configuration(authority: CertificateAuthority, audit_file: Path) -> dict[str, Any]:
    """A configuration with an administrator, who may do everything, and a viewer."""
    server = authority.server
    return {
        "server": {"address": "127.0.0.1:0"},
        "tls": {
            "certificate": str(server.certificate),
            "private_key": str(server.private_key),
            "client_ca": str(authority.certificate),
        },
        "authorization": {"trust_domains": [TRUST_DOMAIN]},
        "grants": [
            {"principal": ADMIN, "capabilities": ALL},
            {"principal": VIEWER, "capabilities": ["INSPECT"]},
            {"principal": "dns:tool.test.example", "capabilities": ["INSPECT"]},
            {"principal": "uri:https://test.example/tool", "capabilities": ["INSPECT"]},
        ],
        "evaluation": {"enabled": True, "time_limit_seconds": 5.0},
        # The walking child has the lowest priority, and test machines are busy.
        "heap": {"lifetime_limit_seconds": 120.0},
        "audit": {"file": str(audit_file)},
        # Each stub has its own connection, which lasts as long as the host.
        "limits": {"connections": 2000},
    }


StartHost = Callable[..., Host]


@contextlib.contextmanager
def starter(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartHost]:
    """Start a host application: ``start(evaluation={"enabled": False})``.

    All of them end with the block, because each keeps a processor busy. Keyword
    arguments replace keys of the configuration's tables, or a whole list. None
    removes a table.
    ``serve=False`` leaves the start of the service to `Host.start_service`, and
    ``environment`` adds variables, ``options`` those of the interpreter's command line.
    """
    hosts: list[Host] = []

    def start(
        *,
        serve: bool = True,
        environment: dict[str, str] | None = None,
        options: Sequence[str] = (),
        **changes: Any,
    ) -> Host:
        directory = tmp_path_factory.mktemp("host")
        config = configuration(authority, directory / "audit.jsonl")
        for table, value in changes.items():
            if value is None:
                del config[table]
                continue
            config[table] = {**config.get(table, {}), **value} if type(value) is dict else value
        file = directory / "ops.toml"
        file.write_text(toml(config))
        variables = {"OPS_SERVICE_CONFIG": str(file), **(environment or {})}
        host = Host(directory, authority, variables, options)
        for table, key in (("server", "run_directory"), ("store", "directory")):
            if place := config.get(table, {}).get(key):
                host.places.add(Path(place))
        hosts.append(host)
        if serve:
            host.start_service()
        return host

    try:
        yield start
    finally:
        for host in hosts:
            host.close()
            # pytest shows this next to a failure.
            print(host.output_file.read_text(errors="replace"), end="")


@pytest.fixture
def start_host(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartHost]:
    """Start a host application that ends with the test. See `starter`."""
    with starter(authority, tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared_host(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartHost]:
    """Start a host application that a module's tests share. See `starter`."""
    with starter(authority, tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    """A host application with the default configuration, shared by a module's tests."""
    return start_shared_host()


@pytest.fixture(scope="session")
def admin(authority: CertificateAuthority) -> Identity:
    """An administrator, who may do everything."""
    return authority.issue("admin", uri(ADMIN))


@pytest.fixture(scope="session")
def viewer(authority: CertificateAuthority) -> Identity:
    """A caller with INSPECT alone."""
    return authority.issue("viewer", uri(VIEWER))
