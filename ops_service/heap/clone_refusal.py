"""Explains why the kernel refused to clone the process."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ops_service.errors import CloneRefused
from ops_service.heap.headroom import system_bytes

_MAPS = Path("/proc/self/maps")
_OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")
_GIB = 1 << 30


def clone_refused(error: OSError) -> CloneRefused:
    """The typed form of a failed clone. Reads the list of mappings if memory was the reason."""
    remedy = None
    if error.errno == errno.ENOMEM:
        remedy = _too_large_a_mapping()
    if remedy is None:
        remedy = "Check the limits on processes and memory, and the seccomp profile."
    return CloneRefused(
        f"The system refused to clone the process ({os.strerror(error.errno or 0)}). {remedy}",
        retry_after=10.0,
    )


def _too_large_a_mapping() -> str | None:
    """Advice if a single mapping is why; None if not.

    By default the kernel refuses to copy a private mapping that is larger than memory and
    swap together, however little of it is used (`__vm_enough_memory` in its mm/util.c). It
    merges neighbouring mappings of one kind, such as the stacks of many threads.
    """
    try:
        if int(_OVERCOMMIT.read_text()) != 0:
            return None
        whole = sum(system_bytes("MemTotal", "SwapTotal"))
        largest = _largest_mapping()
    except (OSError, KeyError, ValueError):
        return None
    if largest <= whole:
        return None
    return (
        f"One private mapping has {largest / _GIB:.1f} GiB, more than the {whole / _GIB:.1f} GiB "
        "of memory and swap, and with vm.overcommit_memory=0 the kernel does not clone it, "
        "however little of it is used. The stacks of many threads can merge into one: use fewer "
        "threads or smaller stacks (threading.stack_size), or set vm.overcommit_memory to 1."
    )


def _largest_mapping() -> int:
    """Bytes of the largest writable private mapping."""
    largest = 0
    with _MAPS.open() as maps:
        for line in maps:
            place, rights, _ = line.split(" ", 2)
            if rights[1] == "w" and rights[3] == "p":
                begin, end = place.split("-")
                largest = max(largest, int(end, 16) - int(begin, 16))
    return largest
