"""Read a position in a function: the call it makes, and the with blocks around it.

A thread that waits for a lock is inside a call to C. The call has no frame, and Python
cannot read the lock from it. But the instructions before the call name the path to the
lock. Nothing here runs code of the application.
"""

from __future__ import annotations

import dis
from dataclasses import dataclass
from types import CodeType

# Up to 3.13 one instruction enters a ``with`` block.
_WITH = ("BEFORE_WITH", "BEFORE_ASYNC_WITH")
# From 3.14 on these do: they load both methods, and call the second.
_SPECIAL = "LOAD_SPECIAL"
_ENTER = ("__enter__", "__aenter__")
_AFTER_OBJECT = (("COPY", 1), (_SPECIAL, None), ("SWAP", 2), ("SWAP", 3), (_SPECIAL, None))
_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD")
_CALLS = ("CALL", "CALL_KW", "PRECALL")
_NO_EFFECT = ("KW_NAMES", "NOP", "CACHE", "RESUME", "EXTENDED_ARG")
# Opcodes that may stand within a path.
_WITHIN_PATH = ("NOP", "PUSH_NULL", "CACHE", "COPY", "EXTENDED_ARG")
_LOOK_BACK = 64
# Bytes. A longer function is generated code, and not worth its analysis.
_CODE_LIMIT = 64 << 10


@dataclass(frozen=True, slots=True)
class Path:
    """A name and attributes of it, as in ``self.queue.lock``."""

    scope: str
    """The name's scope: "local" or "global"."""
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """Facts about one position."""

    called: str = ""
    """Name of the called function or method; empty if not known."""
    on: Path | None = None
    """The object of the method, or the object that ``with`` is entering."""
    inside: tuple[Path, ...] = ()
    """Objects that the enclosing ``with`` statements have entered, innermost first."""


NOTHING = Spot()


def read_spot(code: CodeType, offset: int) -> Spot:
    """Read one position of a function."""
    if len(code.co_code) > _CODE_LIMIT:
        return NOTHING
    instructions = list(dis.get_instructions(code))
    at = _index_at(instructions, offset)
    if at is None:
        return NOTHING
    called, on = _call(instructions, at)
    return Spot(called, on, tuple(_enclosing(code, instructions, offset)))


def _index_at(instructions: list[dis.Instruction], offset: int) -> int | None:
    found = None
    for index, each in enumerate(instructions):
        if each.offset > offset:
            break
        found = index
    return found


def _call(instructions: list[dis.Instruction], at: int) -> tuple[str, Path | None]:
    name = instructions[at].opname
    entered = _entered_at(instructions, at)
    if entered is not None:
        return "__enter__", _path(instructions, entered)
    if name == "CALL" and at and instructions[at - 1].opname == "PRECALL":
        # Only in 3.11, where either of the two makes the call.
        at -= 1
    if instructions[at].opname not in _CALLS:
        return "", None
    index = _callable_of(instructions, at)
    if index is None:
        return "", None
    if instructions[index].opname == "PUSH_NULL" and index:
        # Since 3.13 it follows a function that is no method, as in ``time.sleep()``.
        index -= 1
    each = instructions[index]
    if each.opname in _ATTRIBUTE:
        return str(each.argval), _path(instructions, index - 1)
    if each.opname == "LOAD_GLOBAL" and each.arg is not None and each.arg & 1:
        # The lowest bit is set if the global is about to be called.
        return str(each.argval), None
    return "", None


def _callable_of(instructions: list[dis.Instruction], at: int) -> int | None:
    """The instruction that loaded what is called, found by the depth of the stack."""
    call = instructions[at]
    # Names of keyword arguments may lie on the stack, above the arguments.
    above = (call.arg or 0) + (call.opname == "CALL_KW")
    for index in range(at - 1, max(-1, at - _LOOK_BACK), -1):
        each = instructions[index]
        if above == 0 and each.opname not in _NO_EFFECT:
            return index
        if each.opcode in dis.hasjrel or each.opcode in dis.hasjabs:
            return None
        above -= dis.stack_effect(each.opcode, each.arg, jump=False)
        if above < 0:
            return None
    return None


def _entered_at(instructions: list[dis.Instruction], at: int) -> int | None:
    """Where the path of an object ends that an instruction enters by ``with``.

    None if the instruction enters nothing.
    """
    if instructions[at].opname in _WITH:
        return at - 1
    if instructions[at].opname != "CALL" or at < len(_AFTER_OBJECT):
        return None
    before = instructions[at - len(_AFTER_OBJECT) : at]
    for each, (opcode, argument) in zip(before, _AFTER_OBJECT, strict=True):
        if each.opname != opcode or (argument is not None and each.arg != argument):
            return None
    # Not argval, which is the method's number.
    return at - len(_AFTER_OBJECT) - 1 if before[-1].argrepr in _ENTER else None


def _path(instructions: list[dis.Instruction], at: int) -> Path | None:
    """The path that ends at an instruction, or None if no path does."""
    names: list[str] = []
    while at >= 0:
        each = instructions[at]
        if instructions[at + 1].is_jump_target:
            # Another branch may have loaded another object, as in ``(a if b else c).lock``.
            return None
        if each.opname == "LOAD_ATTR":
            names.append(str(each.argval))
            at -= 1
            continue
        # Some instructions name two variables; the second one is on top of the stack.
        name = each.argval[-1] if isinstance(each.argval, tuple) else each.argval
        if each.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "STORE_FAST_LOAD_FAST")):
            scope = "local"
        elif each.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            scope = "global"
        elif each.opname in _WITHIN_PATH:
            at -= 1
            continue
        else:
            return None
        return Path(scope, (str(name), *reversed(names)))
    return None


def _enclosing(code: CodeType, instructions: list[dis.Instruction], offset: int) -> list[Path]:
    if not code.co_exceptiontable:
        return []
    table = _exception_table(code.co_exceptiontable)
    numbers = {each.offset: index for index, each in enumerate(instructions)}
    found: list[Path] = []
    seen: set[int] = set()
    while True:
        target = next((t for start, end, t in table if start <= offset < end), None)
        if target is None or target in seen:
            return found
        seen.add(target)
        if _handles_with(instructions, numbers, target):
            first = min(start for start, _, t in table if t == target)
            path = _entered_before(instructions, numbers.get(first))
            if path is not None:
                found.append(path)
        # Continue outward: the handler lies in the blocks around its own block.
        offset = target


def _handles_with(
    instructions: list[dis.Instruction], numbers: dict[int, int], target: int
) -> bool:
    at = numbers.get(target)
    if at is None:
        return False
    return any(each.opname == "WITH_EXCEPT_START" for each in instructions[at : at + 3])


def _entered_before(instructions: list[dis.Instruction], at: int | None) -> Path | None:
    if at is None:
        return None
    for index in range(at, max(-1, at - _LOOK_BACK), -1):
        entered = _entered_at(instructions, index)
        if entered is not None:
            return _path(instructions, entered)
    return None


def _exception_table(data: bytes) -> list[tuple[int, int, int]]:
    """Start, end and target of each entry, in bytes of code."""
    entries: list[tuple[int, int, int]] = []
    position = 0

    def number() -> int:
        nonlocal position
        value = data[position] & 63
        while data[position] & 64:
            position += 1
            value = value << 6 | data[position] & 63
        position += 1
        return value

    while position < len(data):
        start, length, target, _ = number(), number(), number(), number()
        entries.append((2 * start, 2 * (start + length), 2 * target))
    return entries
