"""Copies of texts that C code makes and nobody frees."""

import ctypes

from _noise import work

TRUTH = dict(
    verdict="native",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    bytes_per_step=200,
)
REQUIREMENTS = []

LIBC = ctypes.CDLL(None)
LIBC.strdup.restype = ctypes.c_void_p
LIBC.strdup.argtypes = [ctypes.c_char_p]


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    LIBC.strdup(b"x" * 199)
