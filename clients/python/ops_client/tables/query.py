"""SQL queries over the tables of heap graphs, with DuckDB."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ops_client.errors import HeapGraphFileError, QueryFailed, QueryTimedOut
from ops_client.heap_graph.dominators import DominatorTree
from ops_client.heap_graph.paths import PathFinder
from ops_client.tables.schema import SCHEMAS, Tables

_INTERRUPTED = "Query interrupted"


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Result of a query."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    is_cut: bool
    """Whether the query has more rows than the limit."""


def query(
    source: DominatorTree | Path,
    sql: str,
    *,
    limit: int = 1000,
    timeout: float = 60.0,
    memory: int | None = None,
) -> QueryResult:
    """Run a query over the tables ``snapshots``, ``nodes``, ``edges``, ``types``, ``paths``.

    The query reads only these tables: no files, no network. It writes nothing, so all
    data that it sorts or joins has to fit into memory.

    Args:
        source: A heap graph, or a directory with exported ones, at any depth.
        sql: One statement in DuckDB's dialect.
        limit: Maximum number of rows to return.
        timeout: Seconds after which the query is stopped.
        memory: Memory limit in bytes; the default is half of the available memory.

    Raises:
        QueryFailed: The SQL is wrong, is not one statement, or exceeds the memory limit.
        QueryTimedOut: The query took too long.
        HeapGraphFileError: The directory contains no exported tables.
        KeyboardInterrupt: Ctrl-C, at any point.
    """
    with _interruptible(), duckdb.connect(":memory:") as connection:
        _open(connection, source, memory)
        with _stopped_after(connection, timeout) as stopped:
            try:
                columns, rows = _run(connection, sql, limit + 1)
            except duckdb.OutOfMemoryException as error:
                raise QueryFailed(
                    "the query exceeds its memory limit. Select less data, or raise the limit "
                    "with --memory."
                ) from error
            except duckdb.Error as error:
                if stopped.is_set():
                    raise QueryTimedOut(
                        f"the query was stopped after {timeout:g} s. Select less data, or give it "
                        "more time with --timeout."
                    ) from error
                raise QueryFailed(_sentence(error)) from error
    return QueryResult(columns, rows[:limit], len(rows) > limit)


def _open(
    connection: duckdb.DuckDBPyConnection, source: DominatorTree | Path, memory: int | None
) -> None:
    """Give the connection its tables and its memory limit, and lock everything else."""
    connection.execute("SET autoinstall_known_extensions = false")
    # Otherwise DuckDB writes what does not fit into the working directory.
    connection.execute("SET temp_directory = ''")
    memory = memory or _half_of_available()
    if memory is not None:
        connection.execute(f"SET memory_limit = '{memory} B'")
    if isinstance(source, Path):
        _open_exported(connection, source)
    else:
        tables = Tables(source, PathFinder(source.graph))
        for name in SCHEMAS:
            connection.register(name, tables.whole(name))
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")


def _run(
    connection: duckdb.DuckDBPyConnection, sql: str, limit: int
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Run one statement. Returns the names of its columns, and its first rows."""
    count = len(connection.extract_statements(sql))
    if count != 1:
        raise QueryFailed(f"give one SQL statement; there are {count}.")
    cursor = connection.execute(sql)
    columns = tuple(column[0] for column in cursor.description or ())
    return columns, cursor.fetchmany(limit)


def _half_of_available() -> int | None:
    """Return half of the available memory in bytes; None if the system does not report it."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        [left] = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        return None
    return int(left) * 1024 // 2


def _open_exported(connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
    for name in SCHEMAS:
        found = sorted(map(str, directory.glob(f"**/{name}.parquet")))
        if not found:
            raise HeapGraphFileError(
                f"{directory} contains no {name}.parquet. Give a directory from `opsctl heap "
                "export`, or a parent of several."
            )
        try:
            connection.read_parquet(found, union_by_name=True).to_table(name)
        except duckdb.Error as error:
            raise HeapGraphFileError(f"{directory}: {_sentence(error)}") from error


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # DuckDB turns Ctrl-C into this error. Its own errors are not RuntimeErrors.
        if str(error) == _INTERRUPTED:
            raise KeyboardInterrupt from error
        raise


@contextmanager
def _stopped_after(
    connection: duckdb.DuckDBPyConnection, seconds: float
) -> Iterator[threading.Event]:
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield stopped
    finally:
        timer.cancel()


def _sentence(error: duckdb.Error) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"the query failed: {lines[0].strip() if lines else type(error).__name__}"
