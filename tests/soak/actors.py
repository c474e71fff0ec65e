"""The callers of a soak: what each does again and again, and which errors it may get."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fix_certs import Identity
from fix_client import credentials_of
from fix_host import Host
from fix_opsctl import OPSCTL, clean_environment, environment_of

from ops_client import MaintenanceClient, errors
from ops_client.heap_graph import read_heap_graph
from ops_service.v1 import evaluation_pb2

# The errors that a caller may get if children are killed, slots are few, and forks close
# the port for a moment. Any other error counts as a loss.
EXPECTED = (
    errors.Busy,
    errors.Cancelled,
    errors.ConnectionFailed,
    errors.DeadlineExceeded,
    errors.IncompleteSnapshot,
    # A stored capture whose child was killed, after its caller was cut off.
    errors.SnapshotNotFound,
    errors.WalkFailed,
)


@dataclass
class Book:
    """The work done, the faults injected, and the losses."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    """Hashes of audit records that callers received."""
    slowest_probe: float = 0.0


FAULTS = ("captures cancelled", "children killed", "clients killed", "endless code", "forks")
"""Faults that must be injected at least once."""


class Actors:
    """Each method is one piece of work of one caller."""

    def __init__(self, host: Host, identity: Identity, directory: Path, book: Book) -> None:
        self.book = book
        self._host = host
        self._identity = identity
        self._directory = directory
        self._numbers = itertools.count()
        # One conversation with the host at a time.
        self._host_lock = threading.Lock()

    def repeat(self, work: Callable[[random.Random], None], seed: int, end: float) -> None:
        """Repeat the work until the time is over."""
        chance, name = random.Random(seed), work.__name__.replace("_", " ")
        while time.monotonic() < end and self._host.process.poll() is None:
            try:
                work(chance)
                self.book.done[name] += 1
            except EXPECTED as error:
                self.book.refused[type(error).__name__] += 1
                time.sleep(0.2)
            except Exception as error:
                self.book.lost.append(f"{name}: {type(error).__name__}: {error}"[:500])
                time.sleep(0.5)

    def _client(self) -> MaintenanceClient:
        return MaintenanceClient(self._host.address, credentials_of(self._identity))

    def captures(self, chance: random.Random) -> None:
        """Capture a whole snapshot and read it."""
        path = self._directory / f"{next(self._numbers)}.heap"
        try:
            with self._client() as client:
                captured = client.capture_heap_snapshot(
                    path, store=chance.random() < 0.3, timeout=60
                )
        except EXPECTED:
            self._go_on_with(path)
            raise
        graph = read_heap_graph(path)
        whole = hashlib.sha256(path.read_bytes()[: captured.trailer.byte_count]).digest()
        path.unlink()
        if whole != captured.trailer.sha256:
            self.book.lost.append(f"{path}: its hash is another")
        if graph.object_count != captured.trailer.object_count:
            self.book.lost.append(f"{path}: {graph.object_count} objects")
        self.book.heads.append(captured.audit_hash)

    def _go_on_with(self, path: Path) -> None:
        """Fetch the rest of a stored snapshot, if its beginning was kept."""
        for part in self._directory.glob(f"{path.name}.*.part"):
            try:
                with self._client() as client:
                    client.fetch_snapshot(part.name.split(".")[-2], path, timeout=60)
            except errors.SnapshotNotFound:
                continue
            except EXPECTED:
                # Another download could resume it later.
                part.unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def cancelled_captures(self, chance: random.Random) -> None:
        """Cancel a capture midway."""
        path = self._directory / f"{next(self._numbers)}.heap"
        with self._client() as client, _Cut(chance.uniform(0, 0.3)) as cut:
            try:
                client.capture_heap_snapshot(path, progress=cut.check, timeout=60)
            except _Cut.Given:
                self.book.faults["captures cancelled"] += 1
        for each in self._directory.glob(f"{path.name}*"):
            if each != path:
                self.book.lost.append(f"{each} was left")
            each.unlink()
        time.sleep(chance.uniform(1, 3))

    def watches(self, chance: random.Random) -> None:
        """Watch growth for a few samples."""
        with self._client() as client:
            samples = list(client.watch_heap_growth(interval=0.5, duration=2.0, timeout=60))
        if samples[-1].DESCRIPTOR.name != "HeapGrowthTrailer":
            self.book.lost.append("a watch without its trailer")

    def evaluations(self, chance: random.Random) -> None:
        """Evaluate an expression with a known value."""
        number = chance.randrange(10**6)
        with self._client() as client:
            found = client.evaluate_code(f"{number} * {number}", time_limit=5, timeout=60)
        # On a busy machine it may be stopped before it begins.
        completed = found.result.outcome == evaluation_pb2.EVALUATION_OUTCOME_COMPLETED
        if completed and found.result.value_repr != str(number * number):
            self.book.lost.append(f"{number} squared is {found.result.value_repr}")
        self.book.heads.append(found.audit_hash)

    def evaluations_without_end(self, chance: random.Random) -> None:
        """Run code until its limit stops it or its caller hangs up."""
        self.book.faults["endless code"] += 1
        with self._client() as client:
            client.evaluate_code(
                "while True: pass", time_limit=0.2, timeout=chance.choice((0.1, 60.0))
            )

    def probes(self, chance: random.Random) -> None:
        """Request the caller's principal over a new connection."""
        began = time.monotonic()
        with self._client() as client:
            client.get_principal(timeout=30)
        self.book.slowest_probe = max(self.book.slowest_probe, time.monotonic() - began)
        time.sleep(0.2)

    # ---- faults ----------------------------------------------------------------------

    def killed_children(self, chance: random.Random) -> None:
        """Kill the walking child, if there is one."""
        time.sleep(chance.uniform(1, 3))
        for thread in Path(f"/proc/{self._host.pid}/task").glob("*/children"):
            try:
                pids = thread.read_text().split()
            except OSError:
                continue
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except OSError:
                    continue
                self.book.faults["children killed"] += 1

    def forks_of_the_host(self, chance: random.Random) -> None:
        """Fork a child of the application. It must run and exit with the given status."""
        with self._host_lock:
            status = self._host.run(
                "import os\n"
                "child = os.fork()\n"
                "if child == 0:\n"
                "    rows = [str(n) for n in range(1000)]\n"
                "    os._exit(7)\n"
                "answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])"
            )
        # A child that the test itself killed is not the port's fault.
        if status not in (7, -signal.SIGKILL):
            self.book.lost.append(f"a forked child ended with {status}")
        self.book.faults["forks"] += 1
        time.sleep(chance.uniform(4, 8))

    def killed_clients(self, chance: random.Random) -> None:
        """Kill opsctl at some moment of a capture."""
        path = self._directory / f"killed-{next(self._numbers)}.heap"
        client = subprocess.Popen(
            [OPSCTL, "heap", "capture", "-o", path],
            env=clean_environment(**environment_of(self._host.address, self._identity)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            client.wait(chance.uniform(0.5, 3.0))
        except subprocess.TimeoutExpired:
            client.kill()
            self.book.faults["clients killed"] += 1
        client.wait()
        time.sleep(chance.uniform(1, 3))
        for each in self._directory.glob(f"*{path.name}*"):
            each.unlink()


class _Cut:
    """Cancels a capture after some time."""

    class Given(Exception):
        """The capture was cancelled."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def __enter__(self) -> _Cut:
        return self

    def __exit__(self, *_: object) -> None: ...

    def check(self, progress: object) -> None:
        if time.monotonic() > self._end:
            raise _Cut.Given
