"""One look at all stacks: groups by stack, and who waits for whom."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from ops_service.process.frames import Spots, resolve
from ops_service.process.locks import is_taken, lock_name, underlying
from ops_service.process.stack_model import Key, Member, OwnerGroup, OwnerKind, Wait

MEMBERS = 20
"""How many of a group are told by name."""
DEPTH = 200
"""How many frames of a stack are told."""
NAME_LENGTH = 200

# So long the thread that looks keeps the GIL at most, whatever the host chose as
# its switch interval.
_SLICE_SECONDS = 0.004

_NOBODY = 0
"""In place of a node: it cannot be told."""


@dataclass(slots=True)
class LockWait:
    """Somebody who waits for a lock."""

    node: int
    member: Member
    lock: int
    name: str
    owner: int | None


@dataclass(slots=True)
class Sample:
    """What one look saw. Threads and tasks are nodes: a task's address, or a
    thread's identifier negated."""

    spots: Spots
    codes: dict[int, CodeType]
    """By their addresses, which keys are made of; they live as long as this does."""
    groups: dict[tuple[OwnerKind, Key, Any], OwnerGroup] = field(default_factory=dict)
    places: dict[int, OwnerGroup] = field(default_factory=dict)
    """Where each owner is."""
    counts: dict[OwnerKind, int] = field(default_factory=lambda: dict.fromkeys(OwnerKind, 0))
    names: dict[int, str] = field(default_factory=dict)
    """Of nodes that wait, or are waited for."""
    edges: dict[int, list[int]] = field(default_factory=dict)
    """From a node to those that it waits for."""
    reasons: dict[int, str] = field(default_factory=dict)
    """By what a node waits for others, such as "asyncio.Lock"."""
    lock_waits: list[LockWait] = field(default_factory=list)
    lock_holders: dict[int, int] = field(default_factory=dict)
    """From the address of a lock to the node that entered it by ``with``, or nobody."""
    running: dict[int, Key] = field(default_factory=dict)
    """From the address of the frame of a running coroutine to the stack from it on."""
    keep: list[Any] = field(default_factory=list)
    """What must live for addresses in ``places`` to mean the same later on."""
    warnings: list[str] = field(default_factory=list)
    slice_end: float = 0.0

    def yield_gil(self) -> None:
        """Let the host run, if this thread has kept it from that for a while."""
        now = time.perf_counter()
        if now >= self.slice_end:
            time.sleep(0)
            self.slice_end = time.perf_counter() + _SLICE_SECONDS

    def add(self, kind: OwnerKind, key: Key, owner: int, created: Any = None) -> OwnerGroup:
        """Count an owner of a stack and return its group."""
        group = self.groups.get((kind, key, created))
        if group is None:
            group = self.groups[kind, key, created] = OwnerGroup(kind, key)
        group.count += 1
        self.counts[kind] += 1
        self.places[owner] = group
        return group

    def entered_locks(self, frame: Any, code: CodeType, offset: int) -> Iterator[int]:
        """Addresses of the locks that ``with`` statements around a position have entered."""
        for path in self.spots.at(code, offset).inside:
            lock = underlying(resolve(path, frame))
            if lock is not None and is_taken(lock):
                yield id(lock)

    def note_holder(self, node: int, entered: set[int], waiting: Any) -> bool:
        """Note who holds the locks that it has entered.

        Args:
            waiting: Conditions that it waits with, whose locks it has let go.

        Returns:
            Whether it holds any.
        """
        held = entered - {id(underlying(each)) for each in waiting}
        for lock in held:
            # Two that say so cannot both be right: one reads a name that has changed.
            other = self.lock_holders.setdefault(lock, node)
            if other != node:
                self.lock_holders[lock] = _NOBODY
        return bool(held)

    def note_lock_wait(self, node: int, member: Member, lock: Any, owner: int | None) -> None:
        """Note that somebody waits for a lock."""
        self.lock_waits.append(LockWait(node, member, id(lock), lock_name(lock), owner))

    def settle_locks(self) -> None:
        """Tell who holds the locks that are waited for."""
        for wait in self.lock_waits:
            holder = -wait.owner if wait.owner else self.lock_holders.get(wait.lock)
            if holder:
                self.edges.setdefault(wait.node, []).append(holder)
                self.reasons[wait.node] = wait.name
                wait.member.wait = Wait(wait.name, wait.lock, self.names.get(holder, ""))


def shortened(name: Any) -> str:
    """A name that somebody gave, at a length that does no harm."""
    return name[:NAME_LENGTH] if type(name) is str else ""
