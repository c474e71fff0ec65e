"""Statistics and trim of the C library's malloc."""

from __future__ import annotations

import ctypes
import os
from functools import cache

from ops_service.process.malloc_provider import loaded_process, malloc_provider

# Below the size from which malloc gives a block its own mapping: to free such a block
# would raise that limit for the whole process.
_BLOCK = 64 << 10
_TRIES = 10


class Unavailable(Exception):
    """A figure is not available here. The text gives the reason."""


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        ("arena", ctypes.c_size_t),
        ("ordblks", ctypes.c_size_t),
        ("smblks", ctypes.c_size_t),
        ("hblks", ctypes.c_size_t),
        ("hblkhd", ctypes.c_size_t),
        ("usmblks", ctypes.c_size_t),
        ("fsmblks", ctypes.c_size_t),
        ("uordblks", ctypes.c_size_t),
        ("fordblks", ctypes.c_size_t),
        ("keepcost", ctypes.c_size_t),
    ]


def malloc_bytes() -> tuple[int, int]:
    """Bytes in use and free bytes of malloc, over all its arenas.

    Chunks with their own mappings count as in use. malloc visits its free chunks for
    this, and holds the lock of one arena at a time.

    Raises:
        Unavailable: Another C library or allocator serves malloc, or glibc is older
            than 2.33.
    """
    libc = _glibc()
    if not hasattr(libc, "mallinfo2"):
        raise Unavailable(f"{_glibc_version()} has no mallinfo2; glibc 2.33 and later have it.")
    if not _counts_what_is_allocated():
        raise Unavailable(
            "malloc's statistics do not count what is allocated: a block of the service's "
            "own did not appear in them."
        )
    return _counted(libc)


def malloc_trim() -> bool:
    """Ask malloc to return free memory to the system. True if it returned any.

    Raises:
        Unavailable: Another C library or allocator serves malloc. Nothing was done.
    """
    libc = _glibc()
    libc.malloc_trim.argtypes = (ctypes.c_size_t,)
    libc.malloc_trim.restype = ctypes.c_int
    return bool(libc.malloc_trim(0))


def _glibc() -> ctypes.CDLL:
    """The libraries of the process, after a check that glibc serves malloc."""
    if not _glibc_version().startswith("glibc"):
        raise Unavailable("The C library is not glibc; others do not report malloc statistics.")
    try:
        provider = malloc_provider()
        process = loaded_process()
    except (OSError, AttributeError):
        raise Unavailable(
            "This Python is linked statically, so its malloc cannot be asked. Use a Python "
            "that is linked with a shared C library."
        ) from None
    # glibc reports its own arenas even if nothing uses them.
    if provider is not None and not provider.is_libc:
        raise Unavailable(f"malloc is served by {provider}, not by the C library.")
    return process


def _glibc_version() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        return ""


def _counted(libc: ctypes.CDLL) -> tuple[int, int]:
    libc.mallinfo2.argtypes = ()
    libc.mallinfo2.restype = _Mallinfo2
    told = libc.mallinfo2()
    return told.uordblks + told.hblkhd, told.fordblks


@cache
def _counts_what_is_allocated() -> bool:
    """Whether a block of our own appears in malloc's statistics. Proved once a process."""
    libc = loaded_process()
    libc.malloc.argtypes = (ctypes.c_size_t,)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = (ctypes.c_void_p,)
    libc.free.restype = None
    for _ in range(_TRIES):
        before, _ = _counted(libc)
        block = libc.malloc(_BLOCK)
        after, _ = _counted(libc)
        libc.free(block)
        # Other threads allocate and free meanwhile, so one try alone proves nothing.
        if block and after - before >= _BLOCK:
            return True
    return False
