"""A captured heap as tables: DuckDB and Spark give the same answers as the graph."""

from __future__ import annotations

import contextlib
import json
import signal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from eventually import eventually
from fix_certs import Identity
from fix_full_disk import OnFullDisk
from fix_host import StartHost
from fix_opsctl import Opsctl, StartOpsctl
from pyspark.sql import SparkSession

from ops_client import ClientCredentials, MaintenanceClient
from ops_client.heap_graph import DominatorTree, PathFinder, find_dominators, read_heap_graph
from ops_client.tables import export_tables, query

PLANT = """
import types, sys
class Session:
    def __init__(self, number):
        self.payload = bytes(1000)
Session.__module__ = 'shop'
shop = sys.modules['shop'] = types.ModuleType('shop')
shop.SESSIONS = [Session(number) for number in range(5000)]
"""
# In the SQL that both engines know.
QUESTIONS = {
    "types": """
        SELECT type_name, count(*) AS n, sum(size + extra_size) AS bytes
        FROM nodes GROUP BY type_name ORDER BY n DESC, type_name LIMIT 50""",
    "holders": """
        SELECT p.type_name, e.kind, e.name, count(*) AS n
        FROM edges e JOIN nodes c ON e.target = c.node JOIN nodes p ON e.source = p.node
        WHERE c.type_name = 'shop.Session'
        GROUP BY p.type_name, e.kind, e.name ORDER BY n DESC, 1, 2, 3""",
    "dominated": """
        SELECT d.type_name, count(*) AS n, max(d.retained_size) AS bytes
        FROM nodes o JOIN nodes d ON o.dominator = d.node
        WHERE o.type_name = 'shop.Session' GROUP BY d.type_name ORDER BY n DESC, 1""",
    "distances": """
        SELECT distance, count(*) AS n FROM paths GROUP BY distance ORDER BY distance""",
    "retained": """
        SELECT type_name, count, size, retained_size FROM types
        ORDER BY retained_size DESC, type_name LIMIT 20""",
    "snapshots": "SELECT snapshot_id, pid, object_count, edge_count, total_size FROM snapshots",
}


@pytest.fixture(scope="module")
def file(
    start_shared_host: StartHost, admin: Identity, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    host = start_shared_host()
    host.run(PLANT)
    path = tmp_path_factory.mktemp("tables") / "host.heap"
    credentials = ClientCredentials(admin.ca, admin.certificate, admin.private_key)
    with MaintenanceClient(host.address, credentials) as client:
        client.capture_heap_snapshot(path)
    return path


@pytest.fixture(scope="module")
def tree(file: Path) -> DominatorTree:
    return find_dominators(read_heap_graph(file))


@pytest.fixture(scope="module")
def exported(tree: DominatorTree, file: Path) -> Path:
    directory = file.with_name("tables")
    export_tables(tree, directory)
    return directory


@pytest.fixture(scope="module")
def spark(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    scratch = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.local.dir", str(scratch))
        .config("spark.sql.warehouse.dir", str(scratch / "warehouse"))
        .getOrCreate()
    )
    for table in exported.glob("*.parquet"):
        session.read.parquet(str(table)).createOrReplaceTempView(table.stem)
    yield session
    session.stop()


@pytest.mark.parametrize("question", QUESTIONS)
def test_spark_duckdb_and_the_file_itself_agree(
    question: str, spark: Any, exported: Path, tree: DominatorTree
) -> None:
    sql = QUESTIONS[question]

    by_duckdb = query(exported, sql).rows
    by_spark = [tuple(row) for row in spark.sql(sql).collect()]

    assert by_duckdb
    assert by_spark == by_duckdb == query(tree, sql).rows


def test_the_tables_say_what_the_graph_says(exported: Path, tree: DominatorTree) -> None:
    graph = tree.graph
    [session] = query(
        exported, "SELECT node, id, size, retained_size FROM nodes WHERE type_name = "
        "'shop.Session' ORDER BY node LIMIT 1",
    ).rows  # fmt: skip
    node = session[0]
    assert session[1:] == (graph.ids[node], graph.sizes[node], tree.retained_sizes[node])
    [(kinds, roots)] = query(exported, "SELECT count(kind), count(*) FROM paths").rows
    assert 0 < kinds < roots == graph.object_count
    path = PathFinder(graph).to(node)
    [row] = query(exported, f"SELECT parent, root, distance FROM paths WHERE node = {node}").rows
    assert row == (path.objects[-2], path.objects[0], len(path.edges))


def test_several_snapshots_are_one_warehouse(tree: DominatorTree, tmp_path: Path) -> None:
    export_tables(tree, tmp_path / "monday")
    export_tables(tree, tmp_path / "tuesday")

    [(count,)] = query(tmp_path, "SELECT count(*) FROM nodes").rows

    assert count == 2 * tree.graph.object_count


def test_opsctl_exports_and_asks(opsctl: Opsctl, file: Path, tmp_path: Path) -> None:
    exported = opsctl("heap", "export", file, "-o", tmp_path / "out", "--json")
    assert (exported.returncode, exported.stderr) == (0, "")
    assert set(json.loads(exported.stdout)["byte_counts"]) == {
        "edges", "nodes", "paths", "snapshots", "types",
    }  # fmt: skip
    sql = "SELECT count(*) AS n FROM nodes WHERE type_name = 'shop.Session'"
    for source in (file, tmp_path / "out"):
        asked = opsctl("heap", "query", source, sql, "--json")
        assert json.loads(asked.stdout) == {"columns": ["n"], "rows": [[5000]], "is_cut": False}
    cut = opsctl("heap", "query", file, "SELECT node FROM nodes ORDER BY node", "--limit", 2)
    assert cut.stdout.split()[:3] == ["node", "0", "1"]
    assert "There are more than these 2 rows" in cut.stdout


ENDLESS = "SELECT count(*) FROM nodes a, nodes b, nodes c, nodes d WHERE a.size + b.size = c.size"


# More than fits into the 300 MiB that the test allows.
HUGE = "SELECT a.node, b.node FROM nodes a, nodes b ORDER BY a.size * b.size, b.node"


@pytest.mark.parametrize(
    ("sql", "code", "sentence"),
    [
        ("SELECT nothing FROM nodes", 72, "nothing"),
        ("SELEKT", 72, "the query failed"),
        ("", 72, "give one SQL statement; there are 0"),
        ("SELECT 1; SELECT 2", 72, "give one SQL statement; there are 2"),
        ("SELECT * FROM read_csv('/etc/passwd')", 72, "the query failed"),
        ("COPY nodes TO 'stolen.csv'", 72, "the query failed"),
        (ENDLESS, 73, "the query was stopped after 2 s"),
        (HUGE, 72, "the query exceeds its memory limit"),
    ],
)
def test_a_bad_query_ends_with_a_sentence(
    opsctl: Opsctl, exported: Path, tmp_path: Path, sql: str, code: int, sentence: str
) -> None:
    # A slow query is stopped soon. A large query gets all the time that it needs.
    limits = ("--memory", "300", "--timeout", "120") if sql is HUGE else ("--timeout", "2")
    outcome = opsctl("heap", "query", exported, sql, *limits, cwd=tmp_path)

    assert outcome.returncode == code, outcome
    assert sentence in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_endless_query_ends_with_ctrl_c(
    start_opsctl: StartOpsctl, exported: Path, tmp_path: Path
) -> None:
    run = start_opsctl("heap", "query", exported, ENDLESS, env={}, cwd=tmp_path)
    threads = Path(f"/proc/{run.pid}/task")
    # DuckDB's threads exist, and work.
    eventually(lambda: run.poll() is not None or len(list(threads.iterdir())) >= 3)
    assert run.poll() is None

    run.send_signal(signal.SIGINT)

    assert run.communicate(timeout=60) == ("", "")
    assert run.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_the_reading_of_tables(start_opsctl: StartOpsctl, tmp_path: Path) -> None:
    # Much to read, in little space: the first table that the command reads.
    first = tmp_path / "0/snapshots.parquet"
    first.parent.mkdir()
    pq.write_table(pa.table({"pid": pa.repeat(True, 10_000_000)}), first)
    for number in range(1, 10):
        link = tmp_path / f"{number}/snapshots.parquet"
        link.parent.mkdir()
        link.hardlink_to(first)
    run = start_opsctl("heap", "query", tmp_path, "SELECT 1", env={})
    while not has_open(run.pid, "9/snapshots.parquet"):
        assert run.poll() is None

    run.send_signal(signal.SIGINT)

    assert run.communicate(timeout=60) == ("", "")
    assert run.returncode == 130


def has_open(pid: int, name: str) -> bool:
    opened = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            opened.append(str(each.readlink()))
    return any(each.endswith(name) for each in opened)


def test_a_full_disk_leaves_nothing(opsctl: Opsctl, file: Path, tmp_path: Path) -> None:
    outcome = opsctl("heap", "export", file, "-o", tmp_path / "out", file_size=20_000)
    assert outcome.returncode == 42, outcome
    assert "was not written" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_space_leaves_nothing(on_full_disk: OnFullDisk, file: Path) -> None:
    outcome = on_full_disk("128k", "heap", "export", file, "-o", "out")

    assert (outcome.code, outcome.stdout) == (42, "")
    assert outcome.stderr == (
        "opsctl: out was not written: no space is left; free some, or write elsewhere.\n"
    )
    assert outcome.left == ["./old"]


def test_what_is_in_the_way_stays(opsctl: Opsctl, file: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").touch()
    outcome = opsctl("heap", "export", file, "-o", tmp_path / "out")
    assert outcome.returncode == 42
    assert "is in the way" in outcome.stderr
    missing = opsctl("heap", "query", tmp_path, "SELECT 1")
    assert missing.returncode == 43
    assert "contains no snapshots.parquet" in missing.stderr
