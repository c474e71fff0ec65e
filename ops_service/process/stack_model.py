"""Data model of a capture of stacks."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from types import CodeType

Key = tuple[int, ...]
"""A stack as numbers, outermost frame first. Each frame is the id of a code object and
an offset into it. Cheap to create, compare and hash."""


class OwnerKind(enum.Enum):
    """Kind of a stack's owner."""

    THREAD = "thread"
    TASK = "task"
    GREENLET = "greenlet"


@dataclass(frozen=True, slots=True)
class Frame:
    """One function on a stack."""

    file: str
    function: str
    """Qualified name of the function."""
    line: int
    """0 if not known."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The wait of a thread or task."""

    what: str
    """A type or function of a library, such as "threading.Lock"; never contents."""
    address: int = 0
    """Address of the object that it waits on. 0 if not known."""
    holder: str = ""
    """Who can end the wait, such as "thread 'worker'". Empty if not known."""


@dataclass(slots=True)
class Member:
    """One of several owners with the same stack."""

    owner: int
    """Identifies the owner. The same in each sample of a capture."""
    name: str
    address: int
    """A thread's identifier; the address of any other owner."""
    native_id: int = 0
    """The system's id of a thread. 0 if it has none."""
    daemon: bool = False
    wait: Wait | None = None
    unmoved: bool | None = None
    """Whether an earlier sample saw it in the same place. None without an earlier sample."""
    cpu_seconds: float | None = None
    """CPU time that a thread used between the samples. None if not known."""


@dataclass(slots=True)
class OwnerGroup:
    """All owners of one kind with the same stack."""

    kind: OwnerKind
    key: Key
    created: tuple[Frame, ...] = ()
    count: int = 0
    unmoved_count: int = 0
    members: list[Member] = field(default_factory=list)
    """The first members."""


@dataclass(frozen=True, slots=True)
class StackGroup:
    """A group with its frames, outermost first."""

    group: OwnerGroup
    frames: tuple[Frame, ...]
    frames_left_out: int
    """Number of inner frames that a very deep stack has beyond these."""


@dataclass(frozen=True, slots=True)
class CycleStep:
    """A thread or task in a cycle of waits."""

    name: str
    """Such as "thread 'worker'"."""
    what: str
    """The means by which it waits for the next step, such as "threading.Lock"."""


@dataclass(frozen=True, slots=True)
class Stacks:
    """Result of a capture."""

    groups: tuple[StackGroup, ...]
    """Largest first."""
    counts: dict[OwnerKind, int]
    """Total number of owners, by kind."""
    cycles: tuple[tuple[CycleStep, ...], ...]
    """Cycles of waits: each step waits for the next, the last for the first."""
    sample_seconds: tuple[float, ...]
    """Duration of each sample. The process runs meanwhile."""
    warnings: tuple[str, ...]


def line_of(code: CodeType, offset: int) -> int:
    """The line at an offset into the bytecode. 0 if there is none."""
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or 0
    return code.co_firstlineno if offset < 0 else 0
