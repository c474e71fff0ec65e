"""CPython's statistics of its small-object arenas."""

from __future__ import annotations

from ops_service.errors import EngineUnavailable
from ops_service.heap.walker import walker


def arena_statistics() -> str:
    """CPython's printed arena statistics; "" if it has no arenas or a hook hides them.

    Reads the header of each pool of 16 KiB with the GIL held.

    Raises:
        EngineUnavailable: The extension was not compiled, or was compiled for another
            interpreter.
    """
    try:
        statistics = walker.arena_statistics
    except AttributeError:
        raise EngineUnavailable(
            "Arena statistics of CPython need the extension of ops-service, which was not "
            "compiled for this interpreter."
        ) from None
    return statistics().decode("ascii", errors="replace")
