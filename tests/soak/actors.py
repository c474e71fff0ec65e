"""What callers do in a soak, each again and again, and what they may be told."""

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

# What a caller may meet where children are killed, the process forks, which closes the
# port for a moment, and places are few. Anything else is a loss.
EXPECTED = (
    errors.Busy,
    errors.Cancelled,
    errors.ConnectionFailed,
    errors.DeadlineExceeded,
    errors.IncompleteSnapshot,
    # A stored capture whose child was killed, and whose caller was cut off before.
    errors.SnapshotNotFound,
    errors.WalkFailed,
)


@dataclass
class Book:
    """What was done, what was done to it, and what got lost."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    """Hashes of audit records that callers were told."""
    slowest_probe: float = 0.0


FAULTS = ("captures cancelled", "children killed", "clients killed", "endless code", "forks")
"""What must be injected at least once."""


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
        """Do it until the time is over."""
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
        """A whole snapshot, which can be read."""
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
        """Fetch the rest of a stored snapshot whose beginning was kept, unless it has none."""
        for part in self._directory.glob(f"{path.name}.*.part"):
            try:
                with self._client() as client:
                    client.fetch_snapshot(part.name.split(".")[-2], path, timeout=60)
            except errors.SnapshotNotFound:
                continue
            except EXPECTED:
                # It may be gone on with, at some later time.
                part.unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def cancelled_captures(self, chance: random.Random) -> None:
        """One that its caller gives up midway."""
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
        """A growth watch of a few samples."""
        with self._client() as client:
            samples = list(client.watch_heap_growth(interval=0.5, duration=2.0, timeout=60))
        if samples[-1].DESCRIPTOR.name != "HeapGrowthTrailer":
            self.book.lost.append("a watch without its trailer")

    def evaluations(self, chance: random.Random) -> None:
        """An expression, whose value is known."""
        number = chance.randrange(10**6)
        with self._client() as client:
            found = client.evaluate_code(f"{number} * {number}", time_limit=5, timeout=60)
        # On a busy machine it may be stopped before it begins.
        completed = found.result.outcome == evaluation_pb2.EVALUATION_OUTCOME_COMPLETED
        if completed and found.result.value_repr != str(number * number):
            self.book.lost.append(f"{number} squared is {found.result.value_repr}")
        self.book.heads.append(found.audit_hash)

    def evaluations_without_end(self, chance: random.Random) -> None:
        """Code that is stopped at its limit, or that its caller hangs up on."""
        self.book.faults["endless code"] += 1
        with self._client() as client:
            client.evaluate_code(
                "while True: pass", time_limit=0.2, timeout=chance.choice((0.1, 60.0))
            )

    def probes(self, chance: random.Random) -> None:
        """Who the server takes it for, by a new connection."""
        began = time.monotonic()
        with self._client() as client:
            client.get_principal(timeout=30)
        self.book.slowest_probe = max(self.book.slowest_probe, time.monotonic() - began)
        time.sleep(0.2)

    # ---- faults ----------------------------------------------------------------------

    def killed_children(self, chance: random.Random) -> None:
        """The walking child, whichever is there."""
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
        """A child of the application, which must live and end as it was told."""
        with self._host_lock:
            status = self._host.run(
                "import os\n"
                "child = os.fork()\n"
                "if child == 0:\n"
                "    rows = [str(n) for n in range(1000)]\n"
                "    os._exit(7)\n"
                "answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])"
            )
        # One that the test itself killed is none of the port's.
        if status not in (7, -signal.SIGKILL):
            self.book.lost.append(f"a forked child ended with {status}")
        self.book.faults["forks"] += 1
        time.sleep(chance.uniform(4, 8))

    def killed_clients(self, chance: random.Random) -> None:
        """opsctl, killed at some moment of a capture."""
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
    """Gives a capture up after some time."""

    class Given(Exception):
        """It was given up."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def __enter__(self) -> _Cut:
        return self

    def __exit__(self, *_: object) -> None: ...

    def check(self, progress: object) -> None:
        if time.monotonic() > self._end:
            raise _Cut.Given
