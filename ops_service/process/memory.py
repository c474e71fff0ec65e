"""Parts of the process's memory, as far as this system reports them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ops_service.errors import OpsServiceError


@dataclass(frozen=True, slots=True)
class Part:
    """A number of bytes, or the reason why it is not known."""

    bytes: int | None
    reason: str = ""
    """Why it is not known. Empty if it is known."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Parts of the resident memory. The sums:

    ``resident = anonymous + file_backed + shared``, and
    ``anonymous = python_in_use + python_free + malloc_in_use + malloc_free
    + unaccounted - not_resident``.
    """

    resident: Part
    anonymous: Part
    file_backed: Part
    shared: Part
    swapped: Part
    """Not part of the resident memory."""
    python_in_use: Part
    """Blocks allocated from CPython's small-object allocator."""
    python_free: Part
    """Free blocks and pools of its arenas, headers and rounding."""
    malloc_in_use: Part
    malloc_free: Part
    unaccounted: Part
    """Anonymous memory beyond what the allocators count."""
    not_resident: Part
    """What the allocators count beyond the anonymous memory."""


def read_memory(
    arena_statistics: Callable[[], str],
    malloc_bytes: Callable[[], tuple[int, int]] | None = None,
    status_file: Path = Path("/proc/self/status"),
) -> Memory:
    """Read every part, one after another, while the process runs.

    Args:
        arena_statistics: Returns CPython's printed arena statistics.
        malloc_bytes: Returns bytes in use and free; None asks the C library.
        status_file: The system's status of the process.
    """
    python = _arenas(arena_statistics)
    malloc = _malloc(malloc_bytes)
    system = _system(status_file)
    unaccounted, not_resident = _rest(system["RssAnon"], (*python, *malloc))
    # A sum, so that the equation holds exactly. The system rounds none of these.
    resident = _sum(system[name] for name in ("RssAnon", "RssFile", "RssShmem"))
    return Memory(
        resident=resident,
        anonymous=system["RssAnon"],
        file_backed=system["RssFile"],
        shared=system["RssShmem"],
        swapped=system["VmSwap"],
        python_in_use=python[0],
        python_free=python[1],
        malloc_in_use=malloc[0],
        malloc_free=malloc[1],
        unaccounted=unaccounted,
        not_resident=not_resident,
    )


# ---- the system -------------------------------------------------------------------


def _system(status_file: Path) -> dict[str, Part]:
    names = ("RssAnon", "RssFile", "RssShmem", "VmSwap")
    try:
        text = status_file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        why = f"The system does not report it: {error.strerror}."
        return {name: Part(None, why) for name in names}
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE))
    return {
        name: Part(int(found[name]) << 10)
        if name in found
        else Part(None, f"The system does not report {name} of a process.")
        for name in names
    }


# ---- the allocators ----------------------------------------------------------------

_ALLOCATED = re.compile(r"^# bytes in allocated blocks\s+=\s+([\d,]+)$", re.MULTILINE)
_ARENAS = re.compile(r"^[\d,]+ arenas \* \d+ bytes/arena\s+=\s+([\d,]+)$", re.MULTILINE)


def _arenas(statistics: Callable[[], str]) -> tuple[Part, Part]:
    try:
        text = statistics()
    except (OpsServiceError, OSError) as error:
        return _unknown(str(error))
    if not text:
        return _unknown(
            "CPython's small-object allocator is switched off or hooked, as PYTHONMALLOC and "
            "tracemalloc do. Then it reports nothing."
        )
    allocated, arenas = _ALLOCATED.search(text), _ARENAS.search(text)
    if allocated is None or arenas is None:
        return _unknown("This CPython reports its arenas in an unknown format.")
    in_use, whole = (int(found[1].replace(",", "")) for found in (allocated, arenas))
    return Part(in_use), Part(whole - in_use)


def _malloc(malloc_bytes: Callable[[], tuple[int, int]] | None) -> tuple[Part, Part]:
    try:
        # A Python can be built without ctypes.
        from ops_service.process import libc
    except ImportError:
        return _unknown("malloc is read through ctypes, which this Python lacks.")
    try:
        in_use, free = (malloc_bytes or libc.malloc_bytes)()
    except libc.Unavailable as error:
        return _unknown(str(error))
    return Part(in_use), Part(free)


def _unknown(reason: str) -> tuple[Part, Part]:
    return Part(None, reason), Part(None, reason)


# ---- sums ---------------------------------------------------------------------------


def _sum(parts: Iterable[Part]) -> Part:
    total = 0
    for part in parts:
        if part.bytes is None:
            return part
        total += part.bytes
    return Part(total)


def _rest(anonymous: Part, counted: tuple[Part, ...]) -> tuple[Part, Part]:
    total = _sum(counted)
    if anonymous.bytes is None or total.bytes is None:
        return _unknown("It is computed from the other parts, and one of them is not known.")
    rest = anonymous.bytes - total.bytes
    return Part(max(rest, 0)), Part(max(-rest, 0))
