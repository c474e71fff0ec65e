"""Types of the C extension. Its source is in the folder of the same name."""

from typing import Any

from numpy.typing import NDArray

Buffer = bytes | bytearray | memoryview | NDArray[Any]

def dominate(
    edge_starts: Buffer,
    edge_targets: Buffer,
    edge_kinds: Buffer,
    roots: Buffer,
    dominators: Buffer,
    order: Buffer,
    /,
) -> None: ...
def retain(dominators: Buffer, order: Buffer, sizes: Buffer, /) -> None: ...
def retain_by_type(
    dominators: Buffer, order: Buffer, retained: Buffer, types: Buffer, sums: Buffer, /
) -> None: ...
def find_paths(
    edge_starts: Buffer,
    edge_targets: Buffer,
    edge_kinds: Buffer,
    roots: Buffer,
    group_ends: Buffer,
    parent_edges: Buffer,
    /,
) -> None: ...
def unpack_varints(packed: Buffer, /) -> tuple[bytes | bytearray | memoryview, int]: ...
def fill_32(packed: Buffer, column: Buffer, /) -> int: ...
def fill_64(packed: Buffer, column: Buffer, /) -> int: ...
def fill_ids(packed: Buffer, ids: Buffer, /) -> int: ...
def fill_labels(packed: Buffer, kinds: Buffer, names: Buffer, /) -> int: ...
def fill_targets(packed: Buffer, targets: Buffer, unfound: Buffer, next_index: int, /) -> int: ...
def decimals(numbers: Buffer, /) -> bytes: ...
