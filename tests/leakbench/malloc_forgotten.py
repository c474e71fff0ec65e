"""malloc blocks that C code never frees."""

import ctypes

from _noise import work

TRUTH = dict(
    verdict="native",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    bytes_per_step=4096,
)
REQUIREMENTS = []

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    LIBC.memset(LIBC.malloc(4096), 1, 4096)
