"""What a capture of stacks is made of."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from types import CodeType

Key = tuple[int, ...]
"""A stack as numbers, outermost frame first: the id of a code object and an
offset into it, for each frame. Cheap to make, to compare and to hash."""


class OwnerKind(enum.Enum):
    """What has a stack."""

    THREAD = "thread"
    TASK = "task"
    GREENLET = "greenlet"


@dataclass(frozen=True, slots=True)
class Frame:
    """One function on a stack."""

    file: str
    function: str
    """Its qualified name."""
    line: int
    """0 if it is not known."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a thread or task waits for."""

    what: str
    """A type or function of a library, such as "threading.Lock"; never contents."""
    address: int = 0
    """Of the object that it waits on. 0 if that is not known."""
    holder: str = ""
    """Who can end the wait, such as "thread 'worker'". Empty if that is not known."""


@dataclass(slots=True)
class Member:
    """One of those that have the same stack."""

    owner: int
    """The same number in each sample of a capture, for the same owner."""
    name: str
    address: int
    """Of a thread its identifier, of others their address."""
    native_id: int = 0
    """The system's id of a thread. 0 if it has none."""
    daemon: bool = False
    wait: Wait | None = None
    unmoved: bool | None = None
    """Whether an earlier sample saw it in the same place. None without one."""
    cpu_seconds: float | None = None
    """What a thread used between the samples. None if that is not known."""


@dataclass(slots=True)
class OwnerGroup:
    """All owners of one kind with the same stack."""

    kind: OwnerKind
    key: Key
    created: tuple[Frame, ...] = ()
    count: int = 0
    unmoved_count: int = 0
    members: list[Member] = field(default_factory=list)
    """The first ones."""


@dataclass(frozen=True, slots=True)
class StackGroup:
    """A group with its frames, outermost first."""

    group: OwnerGroup
    frames: tuple[Frame, ...]
    frames_left_out: int
    """How many inner frames a very deep stack has beyond these."""


@dataclass(frozen=True, slots=True)
class CycleStep:
    """A thread or task in a circle of waits."""

    name: str
    """Such as "thread 'worker'"."""
    what: str
    """By what it waits for the next one, such as "threading.Lock"."""


@dataclass(frozen=True, slots=True)
class Stacks:
    """What a capture found."""

    groups: tuple[StackGroup, ...]
    """Largest first."""
    counts: dict[OwnerKind, int]
    """Owners in all, by kind."""
    cycles: tuple[tuple[CycleStep, ...], ...]
    """Those that wait for each other in a circle: each for the next, the last for
    the first."""
    sample_seconds: tuple[float, ...]
    """How long each sample took, the process running on meanwhile."""
    warnings: tuple[str, ...]


def line_of(code: CodeType, offset: int) -> int:
    """The line at an offset into the bytecode. 0 if there is none."""
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or 0
    return code.co_firstlineno if offset < 0 else 0
