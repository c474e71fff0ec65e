"""Maps the system's file errors to the errors of the store."""

from __future__ import annotations

import errno

from ops_service.errors import OpsServiceError, StoreDamaged, StoreFull, StoreUnwritable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_failure(error: OSError) -> OpsServiceError:
    """The error for a failed write. The path stays in the host's log."""
    if error.errno in _FULL:
        return StoreFull(
            "The disk of the store is full. Nothing that was stored before is lost; free some "
            "space on it, or capture without the store."
        )
    return StoreUnwritable(
        f"The store cannot be written to ({error.strerror}). Check the permissions of "
        "store.directory and the state of its disk, or capture without the store."
    )


def read_failure(error: OSError) -> OpsServiceError:
    """The error for a failed read."""
    return StoreDamaged(
        f"The store cannot be read ({error.strerror}). Check the state of its disk."
    )
