"""The edges of one batch, decoded apart from its objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph.filling import Packed, fill_labels, fill_targets


@dataclass(frozen=True, slots=True)
class PackedEdges:
    """Edges as a file holds them, and where they belong.

    Decoding them needs nothing that another batch leaves behind, so that it may go on
    in another thread.
    """

    packed_targets: Packed
    packed_labels: Packed
    next_object_index: int
    unfound: NDArray[np.int64]
    """Before which of them an object takes an index itself."""

    targets: NDArray[np.uint32]
    """As long as the objects of the batch say; likewise the others."""
    kinds: NDArray[np.uint8]
    names: NDArray[np.uint32]

    def decode(self, object_count: int, name_count: int) -> None:
        """Put them where they belong.

        Args:
            object_count: What targets have to be below.
            name_count: What names have to be below.

        Raises:
            CorruptHeapGraphFile: They are not as many as their objects say, or point
                beyond the counts.
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
