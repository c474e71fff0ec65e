"""The edges of one batch, decoded separately from its objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph.filling import Packed, fill_labels, fill_targets


@dataclass(frozen=True, slots=True)
class PackedEdges:
    """Edges as they are in a file, and the columns to decode them into.

    Decoding needs no result of another batch, so it may run in another thread.
    """

    packed_targets: Packed
    packed_labels: Packed
    next_object_index: int
    unfound: NDArray[np.int64]
    """Edges before which an object takes an index itself."""

    targets: NDArray[np.uint32]
    """Its length comes from the objects of the batch; likewise for the other columns."""
    kinds: NDArray[np.uint8]
    names: NDArray[np.uint32]

    def decode(self, object_count: int, name_count: int) -> None:
        """Decode the edges into their columns.

        Args:
            object_count: Upper limit of targets, exclusive.
            name_count: Upper limit of names, exclusive.

        Raises:
            CorruptHeapGraphFile: The number of edges differs from what their objects
                say, or an edge points beyond the limits.
            WireError: A column is malformed.
        """
        labels = fill_labels(self.packed_labels, self.kinds, self.names)
        targets = fill_targets(
            self.packed_targets, self.targets, self.next_object_index, self.unfound
        )
        if not labels == targets == len(self.targets):
            raise CorruptHeapGraphFile("the edge columns of a batch differ in length.")
        check_below(self.names, name_count, "name")
        check_below(self.targets, object_count, "object")


def check_below(values: NDArray[np.integer[Any]], limit: int, what: str) -> None:
    """Raise CorruptHeapGraphFile unless all values are below a limit."""
    if values.size and int(values.max()) >= limit:
        raise CorruptHeapGraphFile(f"it refers to a {what} that it does not describe.")
