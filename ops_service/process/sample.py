"""One sample of all stacks: groups by stack, and waits between threads and tasks."""

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
"""Members of a group that are reported by name."""
DEPTH = 200
"""Frames of a stack that are reported."""
NAME_LENGTH = 200

# The sampling thread keeps the GIL for at most this time, whatever switch interval the
# host sets.
_SLICE_SECONDS = 0.004

_NOBODY = 0
"""Stands for a node that is not known."""


@dataclass(slots=True)
class LockWait:
    """A thread or task that waits for a lock."""

    node: int
    member: Member
    lock: int
    name: str
    owner: int | None


@dataclass(slots=True)
class Sample:
    """Stacks and waits of one sample.

    Threads and tasks are nodes. A task's node is its address, a thread's node is its
    negated identifier.
    """

    spots: Spots
    codes: dict[int, CodeType]
    """Code objects by address. Keys hold the addresses, so the sample keeps them alive."""
    groups: dict[tuple[OwnerKind, Key, Any], OwnerGroup] = field(default_factory=dict)
    places: dict[int, OwnerGroup] = field(default_factory=dict)
    """The group of each owner."""
    counts: dict[OwnerKind, int] = field(default_factory=lambda: dict.fromkeys(OwnerKind, 0))
    names: dict[int, str] = field(default_factory=dict)
    """Names of nodes that wait or are waited for."""
    edges: dict[int, list[int]] = field(default_factory=dict)
    """From a node to the nodes that it waits for."""
    reasons: dict[int, str] = field(default_factory=dict)
    """The means by which a node waits for others, such as "asyncio.Lock"."""
    lock_waits: list[LockWait] = field(default_factory=list)
    lock_holders: dict[int, int] = field(default_factory=dict)
    """From the address of a lock to the node that entered it by ``with``, or `_NOBODY`."""
    running: dict[int, Key] = field(default_factory=dict)
    """From the frame address of a running coroutine to the stack from that frame on."""
    keep: list[Any] = field(default_factory=list)
    """Objects kept alive, so that addresses in ``places`` keep their meaning."""
    warnings: list[str] = field(default_factory=list)
    slice_end: float = 0.0

    def yield_gil(self) -> None:
        """Let the host run if this thread has held the GIL for a slice of time."""
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
        """Addresses of locks entered by the ``with`` statements around a position."""
        for path in self.spots.at(code, offset).inside:
            lock = underlying(resolve(path, frame))
            if lock is not None and is_taken(lock):
                yield id(lock)

    def note_holder(self, node: int, entered: set[int], waiting: Any) -> bool:
        """Record a node as the holder of the locks that it has entered.

        Args:
            waiting: Conditions that the node waits on. It has released their locks.

        Returns:
            Whether the node holds any lock.
        """
        held = entered - {id(underlying(each)) for each in waiting}
        for lock in held:
            # Two holders cannot both be right: one name has changed its value since.
            other = self.lock_holders.setdefault(lock, node)
            if other != node:
                self.lock_holders[lock] = _NOBODY
        return bool(held)

    def note_lock_wait(self, node: int, member: Member, lock: Any, owner: int | None) -> None:
        """Record that a thread or task waits for a lock."""
        self.lock_waits.append(LockWait(node, member, id(lock), lock_name(lock), owner))

    def settle_locks(self) -> None:
        """Add the holders of locks to the waits for them."""
        for wait in self.lock_waits:
            holder = -wait.owner if wait.owner else self.lock_holders.get(wait.lock)
            if holder:
                self.edges.setdefault(wait.node, []).append(holder)
                self.reasons[wait.node] = wait.name
                wait.member.wait = Wait(wait.name, wait.lock, self.names.get(holder, ""))


def shortened(name: Any) -> str:
    """A name cut to NAME_LENGTH; empty if it is not a str."""
    return name[:NAME_LENGTH] if type(name) is str else ""
