"""Everything that opsctl does with a heap graph that it has read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from ops_client.devtools import write_heapsnapshot
from ops_client.heap_graph import (
    DominatorTree,
    HeapGraph,
    PathFinder,
    compare,
    count_kinds,
    count_types,
    find_dominators,
    find_duplicates,
    find_holders,
    find_suspects,
)
from ops_client.report import write_report

Export = Callable[[DominatorTree, Path], None]


def exporter() -> Export | None:
    """The writer of tables. None without pyarrow, which only ``analysis`` installs."""
    try:
        from ops_client.tables import export_tables
    except ModuleNotFoundError:
        return None
    return export_tables


EXPORT = exporter()


def read_everything(graph: HeapGraph, other: HeapGraph, directory: Path) -> None:
    """Count, find, compare and write, as each command does.

    Raises:
        OpsClientError: The graph cannot be compared, or a format cannot hold it.
    """
    count_types(graph)
    count_kinds(graph)
    find_duplicates(graph)
    finder = PathFinder(graph)
    for tree in (whole_tree := find_dominators(graph), whole_tree.without_ops_service()):
        find_suspects(tree, finder, 0.01)
        assert len(tree.retained_by_type) == len(graph.types)
    if graph.object_count:
        last = graph.object_count - 1
        assert finder.text(finder.to(last))
        for each in islice(finder.alternatives(last), 5):
            assert finder.text(each)
        graph.content_text(last)
    write_report(whole_tree, directory / "hostile.html")
    if EXPORT is not None:
        tables = directory / "tables"
        shutil.rmtree(tables, ignore_errors=True)
        EXPORT(whole_tree, tables)
    write_heapsnapshot(graph, directory / "hostile.heapsnapshot")
    for before, after in ((graph, graph), (other, graph), (graph, other)):
        paths = PathFinder(after)
        found = compare(before, after, paths)
        find_holders(found, find_dominators(before), find_dominators(after), paths)
