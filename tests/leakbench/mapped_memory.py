"""Anonymous mappings that C code never unmaps."""

import ctypes

from _noise import work

TRUTH = dict(
    verdict="native",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    bytes_per_step=16384,
)
REQUIREMENTS = []

LIBC = ctypes.CDLL(None)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
LIBC.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    LIBC.memset(LIBC.mmap(None, 16384, 3, 0x22, -1, 0), 1, 16384)
