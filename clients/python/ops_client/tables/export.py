"""Write a heap graph as Parquet files."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ops_client.errors import FileNotWritten
from ops_client.heap_graph.dominators import DominatorTree
from ops_client.heap_graph.paths import PathFinder
from ops_client.tables.schema import SCHEMAS, Tables


def export_tables(
    tree: DominatorTree,
    directory: str | os.PathLike[str],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write one Parquet file for each table into a new directory.

    The directory appears when it is complete. An existing directory must be empty.
    Costs 10 to 20 s and 0.4 GB of disk for ten million objects.

    Args:
        progress: Called with the number of tables written so far and the total.

    Raises:
        FileNotWritten: The disk is full, or the place is not writable or in use.
    """
    final = Path(directory)
    if final.exists() and (not final.is_dir() or any(final.iterdir())):
        raise FileNotWritten(f"{final} is in the way; give a new or an empty directory.")
    tables = Tables(tree, PathFinder(tree.graph))
    part = None
    try:
        part = tempfile.mkdtemp(prefix=f"{final.name}.", suffix=".part", dir=final.parent)
        for done, table in enumerate(SCHEMAS):
            _write(tables, table, Path(part) / f"{table}.parquet")
            if progress is not None:
                progress(done + 1, len(SCHEMAS))
        os.rename(part, final)
    except (OSError, pa.ArrowException) as error:
        raise _failure(final, error) from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _write(tables: Tables, table: str, path: Path) -> None:
    with (
        path.open("wb", buffering=0) as file,
        pq.ParquetWriter(file, SCHEMAS[table], compression="zstd") as writer,
    ):
        for batch in tables.batches(table):
            writer.write_batch(batch)


def _failure(path: Path, error: Exception) -> FileNotWritten:
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        cause = "no space is left; free some, or write elsewhere"
    elif number == errno.EFBIG:
        cause = "a file would exceed the size limit (ulimit -f); raise it"
    else:
        cause = f"{getattr(error, 'strerror', None) or error}; choose another place"
    return FileNotWritten(f"{path} was not written: {cause}.")
