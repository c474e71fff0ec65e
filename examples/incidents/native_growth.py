"""A process whose C code leaks memory that Python does not know about."""

from __future__ import annotations

import ctypes
import time

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
SIZE = 64 << 10


def resize_picture() -> None:
    """Allocate a buffer, fill it, and never free it."""
    buffer = libc.malloc(SIZE)
    ctypes.memset(buffer, 1, SIZE)


def main() -> None:
    """Resize pictures forever."""
    while True:
        for _ in range(16):
            resize_picture()
        time.sleep(0.1)


if __name__ == "__main__":
    main()
