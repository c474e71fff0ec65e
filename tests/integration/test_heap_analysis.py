"""opsctl reads captures of a live process, and reports the objects planted there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fix_certs import Identity
from fix_host import Host, StartHost
from fix_opsctl import Opsctl, environment_of

from ops_client import ClientCredentials, MaintenanceClient
from ops_client.heap_graph import HeapGraph, PathFinder, compare, read_heap_graph

PLANT = """
import types
class Session:
    def __init__(self, number):
        self.payload = bytes(1000)
        self.number = number
Session.__module__ = 'shop'
shop = types.ModuleType('shop')
shop.SESSIONS = {f'user {number}': Session(number) for number in range(20000)}
shop.shared = object.__new__(Session)
shop.first, shop.second = [shop.shared], [shop.shared]
class Pinned:
    def __init__(self):
        self.itself = self
Pinned.__module__ = 'shop'
import ctypes
ctypes.pythonapi.Py_IncRef(ctypes.py_object(Pinned()))
shop.names = [' '.join(['one', 'name']) for number in range(500)]
# Of each kind that comparisons draw conclusions from.
class Kept:
    def get(self): pass
shop.kept_through = []
for number in range(2000):
    shop.kept_through += [
        f'caf\u00e9 {number}', f'{number} bytes'.encode(), 10 ** 30 + number, number + 0.5,
        (f'a {number}', [number + 2000]), frozenset((f'b {number}', number + 3000)),
        [number].append, Kept().get, slice(f'c {number}', number + 4000),
        types.MappingProxyType({number: f'd {number}'}), range(number, number + 5000),
    ]
import sys
sys.modules['shop'] = shop
"""
GROW = """
import ctypes
as_utf8 = ctypes.pythonapi.PyUnicode_AsUTF8
as_utf8.restype, as_utf8.argtypes = ctypes.c_char_p, [ctypes.py_object]
for each in shop.kept_through:
    if type(each) is str:
        as_utf8(each)  # It keeps this form, and is larger for it.
    if type(each) is tuple:
        each[1].append('changed')
shop.SESSIONS.update((f'late {number}', Session(number)) for number in range(500))
for number in range(300):
    del shop.SESSIONS[f'user {number}']
"""


@dataclass(frozen=True)
class Captures:
    host: Host
    before: Path
    after: Path
    other: Path
    """A capture of another process."""


def capture(host: Host, admin: Identity, path: Path) -> Path:
    credentials = ClientCredentials(admin.ca, admin.certificate, admin.private_key)
    with MaintenanceClient(host.address, credentials) as client:
        client.capture_heap_snapshot(path)
    return path


@pytest.fixture(scope="module")
def captures(
    start_shared_host: StartHost, admin: Identity, tmp_path_factory: pytest.TempPathFactory
) -> Captures:
    directory = tmp_path_factory.mktemp("captures")
    host = start_shared_host()
    host.run(PLANT)
    before = capture(host, admin, directory / "before.heap")
    host.run(GROW)
    after = capture(host, admin, directory / "after.heap")
    return Captures(
        host, before, after, capture(start_shared_host(), admin, directory / "other.heap")
    )


def document(opsctl: Opsctl, *arguments: object) -> Any:
    """A command's output, as JSON."""
    outcome = opsctl("heap", *arguments, "--json")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    return json.loads(outcome.stdout)


def test_a_summary_of_a_file_counts_types(opsctl: Opsctl, captures: Captures) -> None:
    found = document(opsctl, "summary", captures.before, "--limit", 1000)

    counts = {row["type_name"]: row["count"] for row in found["types"]}
    assert counts["shop.Session"] == 20_001
    assert found["object_count"] == sum(row["count"] for row in found["types"])


def test_equal_strings_of_a_live_process_are_counted(
    opsctl: Opsctl, captures: Captures, admin: Identity, tmp_path: Path
) -> None:
    env = environment_of(captures.host.address, admin) | {"TMPDIR": str(tmp_path)}

    told = opsctl("heap", "summary", "--hash-strings", env=env)
    found = opsctl("heap", "summary", "--hash-strings", "--json", "--limit", 1000, env=env)

    assert (told.returncode, told.stderr) == (0, "")
    assert "stood still for" in told.stdout
    rows = json.loads(found.stdout)["duplicates"]
    [names] = [row for row in rows if row["path"].startswith("shop.names[")]
    assert (names["type_name"], names["count"], names["text"]) == ("str", 500, None)
    assert names["wasted_size"] == 499 * names["size"]
    # The temporary capture of this command is gone.
    assert list(tmp_path.iterdir()) == []


def test_what_the_port_itself_holds_is_counted_if_asked_for(
    opsctl: Opsctl, captures: Captures, tmp_path: Path
) -> None:
    def modules(*options: str) -> set[str]:
        rows = document(opsctl, "summary", captures.before, "--limit", 10_000, *options)["types"]
        return {row["type_name"].partition(".")[0] for row in rows}

    pages = []
    for options in ((), ("--include-ops-service",)):
        page = tmp_path / f"{len(pages)}.html"
        assert opsctl("heap", "report", captures.before, "-o", page, *options).returncode == 0
        pages.append('"name":"ops_service.server.service.Service"' in page.read_text("utf-8"))

    assert "ops_service" not in modules()
    assert "ops_service" in modules("--include-ops-service")
    assert pages == [False, True]


def test_what_the_port_itself_holds_is_no_suspect_unless_asked_for(
    opsctl: Opsctl, captures: Captures
) -> None:
    def found(*options: object) -> list[bool]:
        """Whether retained objects, their types and suspects mention the port."""
        retained = document(opsctl, "retained", captures.before, "--limit", 10_000, *options)
        suspects = document(opsctl, "suspects", captures.before, "--share", 0.001, *options)
        names = (
            [row["type_name"] for row in retained["types"]],
            [row["path"] for row in retained["objects"]],
            [row["path"] for row in suspects["suspects"]],
        )
        # protobuf holds the message classes made from a contract.
        return [any(re.match(r"ops_service\.(?!v1\.)", name) for name in each) for each in names]

    assert found() == [False, False, False]
    assert found("--include-ops-service") == [True, True, True]


def test_retained_sizes_name_the_container(opsctl: Opsctl, captures: Captures) -> None:
    found = document(opsctl, "retained", captures.before)

    by_type = {row["type_name"]: row for row in found["types"]}
    assert by_type["shop.Session"]["retained_size"] > 20_000 * 1000
    assert by_type["shop.Session"]["size"] < 20_000 * 200
    holders = [row for row in found["objects"] if row["path"] == "shop.SESSIONS (dict)"]
    assert holders[0]["retained_size"] > 20_000 * 1000
    assert holders[0]["size"] < 2_000_000


def test_the_container_is_the_suspect(opsctl: Opsctl, captures: Captures) -> None:
    [suspect] = document(opsctl, "suspects", captures.before, "--share", "0.3")["suspects"]

    assert (suspect["path"], suspect["type_name"]) == ("shop.SESSIONS (dict)", "dict")
    sessions = suspect["contents"][0]
    assert (sessions["type_name"], sessions["count"]) == ("shop.Session", 20_000)
    assert document(opsctl, "suspects", captures.before, "--share", "1")["suspects"] == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["summary", "before"], "20,001"),
        (["retained", "before"], "shop.SESSIONS (dict)"),
        (["suspects", "before"], "held by shop.SESSIONS (dict)"),
        (["path", "shop.Session", "before"], "shop.SESSIONS[…] (shop.Session)"),
        (["path", "shop.Pinned", "before"], "C code alone -> shop.Pinned (shop.Pinned)"),
        (["diff", "before", "after"], "+200"),
    ],
)
def test_people_are_told_the_same(
    opsctl: Opsctl, captures: Captures, arguments: list[str], line: str
) -> None:
    files = {"before": captures.before, "after": captures.after}

    outcome = opsctl("heap", *[files.get(each, each) for each in arguments])

    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert line in outcome.stdout


def test_paths_of_a_type_are_folded(opsctl: Opsctl, captures: Captures) -> None:
    found = document(opsctl, "path", "shop.Session", captures.before)

    assert found["count"] == 20_001
    assert found["holders"][0]["path"] == "shop.SESSIONS[…] (shop.Session)"


def test_an_object_tells_every_way_to_it(opsctl: Opsctl, captures: Captures) -> None:
    holders = document(opsctl, "path", "shop.Session", captures.before)["holders"]
    example = next(each for each in holders if "SESSIONS" not in each["path"])["example_id"]

    shortest = document(opsctl, "path", example, captures.before)["paths"]
    every = document(opsctl, "path", example, captures.before, "--alternatives")["paths"]

    assert [each["text"] for each in shortest] == ["shop.shared (shop.Session)"]
    assert {each["text"] for each in every} >= {
        "shop.shared (shop.Session)",
        "shop.first[0] (shop.Session)",
        "shop.second[0] (shop.Session)",
    }
    assert all(each["ids"][-1] == example for each in every)


def test_a_difference_names_type_holder_and_growth(opsctl: Opsctl, captures: Captures) -> None:
    found = document(opsctl, "diff", captures.before, captures.after)

    change = next(row for row in found["types"] if row["type_name"] == "shop.Session")
    assert change["count_after"] - change["count_before"] == 200
    assert change["new"] - change["freed"] == 200
    # Objects that live on keep their addresses. Some new objects reuse freed addresses.
    assert 200 <= change["new"] <= 500
    holder = next(each for each in found["holders"] if each["path"] == "shop.SESSIONS (dict)")
    assert holder["count"] >= 2 * change["new"]
    # A freed session freed its payload and its attributes too.
    assert holder["freed_count"] >= 2 * change["freed"] > 0
    same = document(opsctl, "diff", captures.before, captures.before)
    assert (same["new_count"], same["freed_count"], same["types"]) == (0, 0, [])


def test_nothing_that_lives_on_is_called_new(captures: Captures) -> None:
    before, after = (read_heap_graph(each) for each in (captures.before, captures.after))

    def kept(graph: HeapGraph) -> Any:
        [edge] = np.flatnonzero(graph.edge_names == graph.names.index("kept_through"))
        target = int(graph.edge_targets[edge])
        return graph.edge_targets[graph.edge_starts[target] : graph.edge_starts[target + 1]]

    found = compare(before, after, PathFinder(after))

    assert len(kept(before)) == len(kept(after)) == 11 * 2000
    assert not found.is_freed[kept(before)].any()
    assert not found.is_new[kept(after)].any()
    grown = after.sizes[kept(after)] > before.sizes[kept(before)]
    assert grown.sum() == 2000


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["path", "78", "before"], 70, "no object has the id 78"),
        (["path", "Session", "before"], 70, "shop.Session?"),
        (["diff", "before", "other"], 71, "Compare two of one process"),
        (["retained", "cut"], 46, "its end is missing"),
        (["suspects", "altered"], 47, "SHA-256"),
        (["convert", "before", "before"], 42, "is the snapshot itself"),
        (["report", "before", "-o", "before"], 42, "is the snapshot itself"),
        (["summary"], 2, "give a FILE, or --target"),
        (["summary", "before", "--hash-strings"], 2, "heap capture --hash-strings"),
    ],
)
def test_bad_input_ends_with_a_sentence(
    opsctl: Opsctl,
    captures: Captures,
    tmp_path: Path,
    arguments: list[str],
    code: int,
    sentence: str,
) -> None:
    data = captures.before.read_bytes()
    (tmp_path / "cut").write_bytes(data[: len(data) - 100])
    # A changed name. Only the hash of the file reveals it.
    (tmp_path / "altered").write_bytes(data.replace(b"SESSIONS", b"SESSIONZ", 1))
    files = {"before": captures.before, "other": captures.other}
    files |= {name: tmp_path / name for name in ("cut", "altered")}

    outcome = opsctl("heap", *[files.get(each, each) for each in arguments])

    assert outcome.returncode == code, outcome.stderr
    assert sentence in outcome.stderr
    assert outcome.stdout == ""
    assert "Traceback" not in outcome.stderr
    assert captures.before.read_bytes() == data


def test_a_report_is_whole_or_not_there(opsctl: Opsctl, captures: Captures, tmp_path: Path) -> None:
    page = tmp_path / "page.html"

    arguments = ["heap", "report", captures.before, "-o", page]
    full = opsctl(*arguments, file_size=10_000)
    assert (full.returncode, full.stdout) == (42, "")
    assert "was not written: the file would exceed the size limit" in full.stderr
    assert list(tmp_path.iterdir()) == []

    outcome = opsctl(*arguments, "--json")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert json.loads(outcome.stdout) == {"path": str(page), "byte_count": page.stat().st_size}
    assert "shop.SESSIONS (dict)" in page.read_text("utf-8")
