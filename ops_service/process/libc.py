"""Statistics and trim of the C library's malloc."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import PurePath


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


class _DlInfo(ctypes.Structure):
    _fields_ = [
        ("dli_fname", ctypes.c_char_p),
        ("dli_fbase", ctypes.c_void_p),
        ("dli_sname", ctypes.c_char_p),
        ("dli_saddr", ctypes.c_void_p),
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
    libc.mallinfo2.argtypes = ()
    libc.mallinfo2.restype = _Mallinfo2
    told = libc.mallinfo2()
    return told.uordblks + told.hblkhd, told.fordblks


def malloc_trim() -> bool:
    """Ask malloc to return free memory to the system. True if it returned any.

    Raises:
        Unavailable: Another C library or allocator serves malloc. Nothing was done.
    """
    libc = _glibc()
    libc.malloc_trim.argtypes = (ctypes.c_size_t,)
    libc.malloc_trim.restype = ctypes.c_int
    return bool(libc.malloc_trim(0))


@cache
def _process() -> ctypes.CDLL:
    # Cached: each handle creates its own class, which only a collection frees.
    return ctypes.CDLL(None)


def _glibc() -> ctypes.CDLL:
    """The libraries of the process, after a check that glibc serves malloc."""
    version = _glibc_version()
    if not version.startswith("glibc"):
        raise Unavailable("The C library is not glibc; others do not report malloc statistics.")
    process = _process()
    provider = _provider(process)
    # glibc reports its own arenas even if nothing uses them.
    if provider is not None and not provider.startswith(("libc.so", "libc-")):
        raise Unavailable(f"malloc is served by {provider}, not by the C library.")
    return process


def _glibc_version() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        return ""


def _provider(process: ctypes.CDLL) -> str | None:
    """Name of the file whose malloc the process calls, or None if the linker reports none.

    Asks which malloc the linker finds first. So a library that has its own allocator
    beside malloc makes no difference.
    """
    found = _DlInfo()
    try:
        process.dladdr.argtypes = (ctypes.c_void_p, ctypes.POINTER(_DlInfo))
        process.dladdr.restype = ctypes.c_int
        address = ctypes.cast(process.malloc, ctypes.c_void_p)
        if not process.dladdr(address, ctypes.byref(found)) or not found.dli_fname:
            return None
    except AttributeError:
        return None
    return PurePath(os.fsdecode(found.dli_fname)).name
