"""Which loaded library serves malloc, by name.

In a program that is not position independent, as Debian's Pythons are, the address of
``malloc`` is a jump in the program itself. So the libraries are asked, in the order in
which the linker searches them.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import Any

_RTLD_NOW, _RTLD_NOLOAD = 2, 4
_RTLD_DI_LINKMAP, _RTLD_DL_SYMENT = 2, 1

# A function that each of these exports beside malloc, under no other prefix.
_KNOWN = {
    "jemalloc": ("mallctl", "je_mallctl"),
    "tcmalloc": ("tc_version", "MallocExtension_Internal_GetNumericProperty"),
    "mimalloc": ("mi_version",),
}


class _DlInfo(ctypes.Structure):
    _fields_ = [
        ("dli_fname", ctypes.c_char_p),
        ("dli_fbase", ctypes.c_void_p),
        ("dli_sname", ctypes.c_char_p),
        ("dli_saddr", ctypes.c_void_p),
    ]


class _Symbol(ctypes.Structure):
    """A symbol as 64-bit ELF files have it."""

    _fields_ = [
        ("st_name", ctypes.c_uint32),
        ("st_info", ctypes.c_ubyte),
        ("st_other", ctypes.c_ubyte),
        ("st_shndx", ctypes.c_uint16),
        ("st_value", ctypes.c_uint64),
        ("st_size", ctypes.c_uint64),
    ]


class _LinkMap(ctypes.Structure):
    """A loaded file, as the linker keeps it."""


_LinkMap._fields_ = [
    ("l_addr", ctypes.c_void_p),
    ("l_name", ctypes.c_char_p),
    ("l_ld", ctypes.c_void_p),
    ("l_next", ctypes.POINTER(_LinkMap)),
    ("l_prev", ctypes.POINTER(_LinkMap)),
]


@dataclass(frozen=True, slots=True)
class Provider:
    """What serves malloc."""

    file: str
    """Name of the file, without its folder."""
    allocator: str = ""
    """Name of the allocator, if it is a known one that is not the C library's."""

    @property
    def is_libc(self) -> bool:
        return not self.allocator and self.file.startswith(("libc.so", "libc-"))

    def __str__(self) -> str:
        return f"{self.allocator} ({self.file})" if self.allocator else self.file


@cache
def loaded_process() -> ctypes.CDLL:
    """All libraries of the process.

    Raises:
        OSError: The program is linked statically, so it has no libraries.
    """
    # Cached: each handle creates its own class, which only a collection frees.
    return ctypes.CDLL(None)


@cache
def malloc_provider() -> Provider | None:
    """What serves the calls of malloc. None if the linker does not say.

    A library that has its own allocator beside malloc makes no difference. The answer
    does not change while a process lives. Costs some 0.5 ms, once, and takes the linker's
    lock meanwhile, as each import of an extension does.

    Raises:
        OSError, AttributeError: The program has no linker that could be asked.
    """
    process = loaded_process()
    address = _symbol(process, None, b"malloc")
    if not address:
        return None
    file, is_defined = _file_of(process, address)
    if is_defined:
        return _named(process, None, file) if file else None
    for name in _search_order(process):
        with _opened(process, name) as handle:
            address = _symbol(process, handle, b"malloc") if handle else None
            # A handle also finds what the library itself depends on.
            if address and _file_of(process, address)[0] == name:
                return _named(process, handle, name)
    return None


def _named(process: ctypes.CDLL, handle: Any, file: str) -> Provider:
    for allocator, functions in _KNOWN.items():
        for function in functions:
            address = _symbol(process, handle, function.encode())
            if address and _file_of(process, address)[0] == file:
                return Provider(PurePath(file).name, allocator)
    return Provider(PurePath(file).name)


def _symbol(process: ctypes.CDLL, handle: Any, name: bytes) -> int | None:
    """Address of a symbol. Without a handle, what the linker finds first."""
    process.dlsym.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
    process.dlsym.restype = ctypes.c_void_p
    found: int | None = process.dlsym(handle, name)
    return found


def _file_of(process: ctypes.CDLL, address: int) -> tuple[str, bool]:
    """The file at an address, and whether the file defines a function there.

    The jump of a program that is not position independent stands for a function that
    the program does not define.
    """
    found, symbol = _DlInfo(), ctypes.POINTER(_Symbol)()
    process.dladdr1.argtypes = (
        *(ctypes.c_void_p, ctypes.POINTER(_DlInfo)),
        *(ctypes.POINTER(ctypes.POINTER(_Symbol)), ctypes.c_int),
    )
    process.dladdr1.restype = ctypes.c_int
    if not process.dladdr1(address, ctypes.byref(found), ctypes.byref(symbol), _RTLD_DL_SYMENT):
        return "", True
    file = os.fsdecode(found.dli_fname or b"")
    is_64_bit = ctypes.sizeof(ctypes.c_void_p) == 8
    return file, not (is_64_bit and symbol and symbol.contents.st_shndx == 0)


def _search_order(process: ctypes.CDLL) -> Iterator[str]:
    """Names of the files that the program was started with, in the linker's order.

    Ends with the C library. Files that are loaded later stand behind it, and only these
    can be unloaded while this reads.
    """
    process.dlinfo.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    process.dlinfo.restype = ctypes.c_int
    link = ctypes.POINTER(_LinkMap)()
    if process.dlinfo(process._handle, _RTLD_DI_LINKMAP, ctypes.byref(link)) != 0:
        return
    while link:
        name = os.fsdecode(link.contents.l_name or b"")
        if name:
            yield name
        if PurePath(name).name.startswith(("libc.so", "libc-")):
            return
        link = link.contents.l_next


@contextmanager
def _opened(process: ctypes.CDLL, name: str) -> Iterator[Any]:
    """A handle of a loaded file. None if the name is not that of a file."""
    process.dlopen.argtypes = (ctypes.c_char_p, ctypes.c_int)
    process.dlopen.restype = ctypes.c_void_p
    process.dlclose.argtypes = (ctypes.c_void_p,)
    handle = process.dlopen(os.fsencode(name), _RTLD_NOW | _RTLD_NOLOAD)
    try:
        yield handle
    finally:
        if handle:
            process.dlclose(handle)
