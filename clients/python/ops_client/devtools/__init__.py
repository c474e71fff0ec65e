"""Convert heap graphs to Chrome's ``.heapsnapshot`` files. Needs NumPy."""

from ops_client.devtools.heapsnapshot import write_heapsnapshot

__all__ = ["write_heapsnapshot"]
