"""The native module, or the same in Python if it was installed without a compiler."""

from __future__ import annotations

from ops_client.heap_graph import _python

try:
    from ops_client.heap_graph import _native as native
except ImportError:
    native = None  # type: ignore[assignment]

if native is not None:
    dominate = native.dominate
    retain = native.retain
    retain_by_type = native.retain_by_type
    find_paths = native.find_paths
    decimals = native.decimals
else:
    dominate = _python.dominate
    retain = _python.retain
    retain_by_type = _python.retain_by_type
    find_paths = _python.find_paths
    decimals = _python.decimals

SLOW_NOTICE = (
    "The native module of ops_client was not built, so this takes about a hundred times "
    "as long. Install a C compiler, then reinstall ops-service."
)
"""Message for people who wait, if ``native`` is None."""

__all__ = [
    "SLOW_NOTICE",
    "decimals",
    "dominate",
    "find_paths",
    "native",
    "retain",
    "retain_by_type",
]
