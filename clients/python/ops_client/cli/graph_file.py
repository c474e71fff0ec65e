"""Read the heap graph file of a command, and find objects in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops_client.cli.terminal import complain, progress_bar
from ops_client.errors import FileNotWritten, ObjectNotFound

# NumPy takes longer to load than most commands take to run, so only the functions that
# need it import it.
if TYPE_CHECKING:
    from ops_client.heap_graph import DominatorTree, HeapGraph

File = Annotated[Path, typer.Argument(metavar="FILE", help="A file from `heap capture`.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of rows.")]


def spare(file: Path, output: Path) -> None:
    """Refuse to overwrite the input of a command with its output.

    Raises:
        FileNotWritten: Both are the same file.
    """
    if os.path.exists(file) and os.path.exists(output) and os.path.samefile(file, output):
        raise FileNotWritten(f"{output} is the snapshot itself; give the output another name.")


def read(file: Path) -> HeapGraph:
    """Read a heap graph file with a progress bar, and print its warnings."""
    from ops_client.heap_graph import read_heap_graph

    with progress_bar(f"Reading {file.name}") as advance:
        graph = read_heap_graph(file, advance)
    for warning in graph.trailer.warnings:
        complain(f"{file.name}: {warning}")
    return graph


def dominators(graph: HeapGraph) -> DominatorTree:
    """Compute the dominator tree, with a progress bar."""
    from ops_client.heap_graph import find_dominators
    from ops_client.heap_graph._algorithms import SLOW_NOTICE, native

    if native is None:
        complain(SLOW_NOTICE)
    with progress_bar("Finding what each object retains"):
        return find_dominators(graph)


def find_objects(graph: HeapGraph, what: str) -> list[int]:
    """Return the index of the object with an id, or the indexes of all objects of a type.

    Args:
        what: An id, or the name of a type as reports print it.

    Raises:
        ObjectNotFound: No object has the id, or none is of the type.
    """
    import numpy as np

    from ops_client.heap_graph import type_name

    if what.isdecimal() and len(what) < 20:
        number = int(what)
        found = np.flatnonzero(graph.ids == number) if 0 < number < 2**32 else np.empty(0, int)
        if not len(found):
            raise ObjectNotFound(
                f"no object has the id {what}. Use an id that a report on this file prints."
            )
        return [int(found[0])]
    kinds = [place for place, each in enumerate(graph.types) if type_name(each) == what]
    objects: list[int] = np.flatnonzero(np.isin(graph.type_indexes, kinds)).tolist()
    if not objects:
        close = sorted({type_name(each) for each in graph.types if what in type_name(each)})
        hint = f" Did you mean {' or '.join(close[:3])}?" if close else ""
        raise ObjectNotFound(f"no object is of a type named {what}.{hint}")
    return objects
