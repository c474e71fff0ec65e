"""Chrome's ``.heapsnapshot`` files, made from heap graphs. Needs NumPy and orjson."""

from ops_client.devtools.heapsnapshot import write_heapsnapshot

__all__ = ["write_heapsnapshot"]
