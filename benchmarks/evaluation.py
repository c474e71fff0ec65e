"""Measure round trips of 1+1: EvaluateCode, a session, a bare mTLS echo, other consoles.

Usage: python evaluation.py [--short]

All of them run in one host process and take turns, because the speed of a machine
varies from minute to minute. The host is idle, then has 8 busy threads. The echo is the
floor: one unary call of grpc.aio over mTLS. manhole, rpyc and aiomonitor use plain
text. Then the benchmark measures the cost of an idle port.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import grpc
from measured_host import CONFIG, HERE, OPSCTL

from ops_client import ClientCredentials, MaintenanceClient

PEERS = ("echo", "ops_service", "manhole", "rpyc", "aiomonitor")


class Host:
    """A running evaluation_host.py."""

    def __init__(self, directory: Path, *peers: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, HERE / "evaluation_host.py", str(directory), *peers],
            env=os.environ
            | {"OPS_SERVICE_CONFIG": str(directory / "ops_service.toml"), "GRPC_VERBOSITY": "NONE"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.addresses: dict[str, str] = self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the host ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def do(self, command: str) -> dict[str, float]:
        """Send a command line, and read the answer."""
        assert self.process.stdin
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self._answer()


@contextmanager
def running(directory: Path, *peers: str) -> Iterator[Host]:
    """Start a host. Leaving the block ends it."""
    host = Host(directory, *peers)
    try:
        yield host
    finally:
        host.process.kill()
        host.process.wait()


class TextConsole:
    """A console that prints a prompt after each answer."""

    def __init__(self, address: str, prompt: bytes) -> None:
        if address.startswith("/"):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(address)
        else:
            host, _, port = address.rpartition(":")
            self._socket = socket.create_connection((host, int(port)))
        self._socket.settimeout(120)
        self._prompt = prompt
        self._read()

    def _read(self) -> bytes:
        data = b""
        while not data.endswith(self._prompt):
            more = self._socket.recv(65536)
            if not more:
                raise SystemExit("a console ended")
            data += more
        return data

    def ask(self) -> None:
        """Make one round trip of 1+1."""
        self._socket.sendall(b"1+1\n")
        assert re.search(rb"\b2\b", self._read())


def round_trips(host: Host, directory: Path, stack: ExitStack) -> dict[str, Callable[[], None]]:
    """Return the calls to measure, by name."""
    certs = directory / "certs"
    files = [certs / name for name in ("ca.pem", "client.pem", "client-key.pem")]
    client = stack.enter_context(
        MaintenanceClient(
            host.addresses["ops_service"], ClientCredentials(files[0], files[1], files[2])
        )
    )
    session = stack.enter_context(client.open_repl())
    ca, certificate, key = (file.read_bytes() for file in files)
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    channel = stack.enter_context(grpc.secure_channel(host.addresses["echo"], credentials))
    echo: Any = channel.unary_unary("/Echo/Echo")

    def evaluate() -> None:
        assert client.evaluate_code("1+1", timeout=120).result.value_repr == "2"

    def type_in_session() -> None:
        result = session.evaluate("1+1")
        assert result is not None
        assert result.value_repr == "2"

    def call_echo() -> None:
        assert echo(b"1+1", timeout=120) == b"1+1"

    found = {
        "bare echo over mTLS": call_echo,
        "EvaluateCode": evaluate,
        "OpenRepl, one input": type_in_session,
    }
    if "manhole" in host.addresses:
        found["manhole"] = TextConsole(host.addresses["manhole"], b">>> ").ask
    if "aiomonitor" in host.addresses:
        found["aiomonitor"] = TextConsole(host.addresses["aiomonitor"], b">>> ").ask
    if "rpyc" in host.addresses:
        import rpyc

        name, _, port = host.addresses["rpyc"].rpartition(":")
        connection = rpyc.classic.connect(name, int(port))

        def ask_rpyc() -> None:
            assert connection.eval("1+1") == 2

        found["rpyc"] = ask_rpyc
    return found


def measure(
    calls: dict[str, Callable[[], None]], rounds: int, seconds: float
) -> dict[str, tuple[float, float]]:
    """Return the median and 99th percentile of each call, in seconds. The calls take turns.

    Stops after ``rounds``, or after the first round that ends past ``seconds``.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    limit = time.perf_counter() + seconds
    for number in range(rounds + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            # The first round only warms up.
            if number >= 1:
                times[name].append(time.perf_counter() - began)
        if number >= 1 and time.perf_counter() > limit:
            break
    print(f"\n{len(next(iter(times.values())))} rounds", end="")
    return {
        name: (median(each), sorted(each)[len(each) * 99 // 100]) for name, each in times.items()
    }


def print_table(title: str, found: dict[str, tuple[float, float]]) -> None:
    """Print the results, relative to the floor."""
    floor = found["bare echo over mTLS"][0]
    print(f": {title}")
    print(f"{'':24} {'median':>10} {'p99':>10} {'echo':>7}")
    for name, (middle, high) in found.items():
        print(f"{name:24} {middle * 1e3:7.2f} ms {high * 1e3:7.2f} ms {middle / floor:6.2f}x")


def print_idle(directory: Path, seconds: float) -> None:
    """Print the cost of an idle port, and of gRPC's own threads."""
    with (
        running(directory) as bare,
        running(directory, "echo") as echo,
        running(directory, "ops_service") as served,
    ):
        hosts = (bare, echo, served)
        before = [host.do("look") for host in hosts]
        time.sleep(seconds)
        after = [host.do("look") for host in hosts]
    print(f"\nan idle port, over {seconds:g} s; the bare echo in brackets")
    cpu = [a["cpu"] - b["cpu"] for a, b in zip(after, before, strict=True)]
    share = [(each - cpu[0]) / seconds * 100 for each in cpu]
    print(f"  CPU     {share[2]:.3f} % of a core ({share[1]:.3f} %)")
    memory = [(each["resident"] - after[0]["resident"]) / 2**20 for each in after]
    print(f"  memory  {memory[2]:.1f} MiB, with all that it imports ({memory[1]:.1f} MiB)")
    print_imports(directory)


def print_imports(directory: Path) -> None:
    """Print how long imports take with bytecode, as in an installed package."""
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(directory / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def seconds(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        return time.perf_counter() - began

    codes = ("pass", "import ops_service", "import grpc.aio", "import ops_service.server.service")
    for code in codes:
        seconds(code)
    took: dict[str, list[float]] = {code: [] for code in codes}
    for _ in range(9):
        for code in codes:
            took[code].append(seconds(code))
    for code in codes[1:]:
        print(f"  {code:28} {(median(took[code]) - median(took['pass'])) * 1e3:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="a few rounds, to check that it works")
    short = parser.parse_args().short
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        certs = directory / "certs"
        subprocess.run([OPSCTL, "certs", "init", certs], check=True, stdout=subprocess.DEVNULL)
        text = CONFIG.read_text().replace("127.0.0.1:7443", "127.0.0.1:0")
        (directory / "ops_service.toml").write_text(text)
        host = stack.enter_context(running(directory, *PEERS))
        calls = round_trips(host, directory, stack)
        print_table("1+1, idle", measure(calls, 20 if short else 500, 60))
        host.do("busy 8")
        print_table("1+1, beside 8 busy threads", measure(calls, 1 if short else 15, 120))
        print_idle(directory, 2 if short else 20)


if __name__ == "__main__":
    main()
