"""Growth samples report growth at its path, and report nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from .conftest import need_engine
from .host import Host

COUNT = 20
ITEM = "native.programs.paths.Item"
KNOT = "native.programs.paths.Knot"


@pytest.fixture(scope="module")
def grown() -> dict[str, tuple[int, int, int]]:
    # A host of its own: what other tests keep in theirs can be a shorter path.
    with Host() as host:
        need_engine(host)
        return host.call("paths", "difference", COUNT)


@pytest.mark.parametrize(
    "path",
    [
        f"planted.by_key[…] ({ITEM})",
        "planted.by_key[…] (object)",
        "planted.by_key[…].tags (list)",
        f"planted.items[…] ({ITEM})",
        f"planted.nested[…][…] ({ITEM})",
        "planted.queue[…] (tuple)",
        f"planted.queue[…][…] ({ITEM})",
        "planted.weak.data[…] (native.programs.paths.Keyed)",
        f"planted.local -> dict[…].rows[…] ({ITEM})",
        "planted.functions[…] (function)",
        f"planted.functions[…] __closure__[…].cell_contents ({ITEM})",
        "planted.generators[…] (generator)",
        f"planted.generators[…] item ({ITEM})",
        "native.programs.paths.Held.cached -> dict[…][…] (native.programs.paths.Held)",
        f"a garbage cycle -> {KNOT} ({KNOT})",
        f"C code alone -> {ITEM} ({ITEM})",
    ],
)
def test_growth_is_told_at_its_path(grown: dict[str, tuple[int, int, int]], path: str) -> None:
    assert path in grown, "\n".join(grown)
    assert grown[path][0] == COUNT


@pytest.mark.parametrize(
    "path",
    ["planted.by_key (dict)", "planted.items (list)", "planted.queue (collections.deque)"],
)
def test_a_container_that_grows_is_told_with_its_length(
    grown: dict[str, tuple[int, int, int]], path: str
) -> None:
    count, size, length = grown[path]
    assert count == 0
    assert length == COUNT
    assert size >= 0


def test_attributes_have_their_names(grown: dict[str, tuple[int, int, int]]) -> None:
    found = [row for text, row in grown.items() if text.endswith(f".name5 ({ITEM})")]
    assert [count for count, *_ in found] == [1]


def test_what_a_buffer_holds_is_counted(grown: dict[str, tuple[int, int, int]]) -> None:
    assert grown["planted.text (_io.BytesIO)"] == (0, 100 * COUNT, 100 * COUNT)


def test_context_variables_have_their_names(grown: dict[str, tuple[int, int, int]]) -> None:
    (found,) = [
        count
        for text, (count, *_) in grown.items()
        if "planted_rows[…]" in text and ITEM in text and text.endswith(f"({ITEM})")
    ]
    assert found == COUNT


def test_structures_that_repeat_themselves_are_folded(
    grown: dict[str, tuple[int, int, int]],
) -> None:
    links = [row for text, row in grown.items() if text.endswith("(native.programs.paths.Link)")]
    assert sum(count for count, *_ in links) == COUNT
    assert len(links) <= 4
    trees = [row for text, row in grown.items() if text.endswith("(native.programs.paths.Tree)")]
    assert sum(count for count, *_ in trees) == 2**11 - 1
    assert len(trees) <= 300


def test_functions_of_atexit_are_found(grown: dict[str, tuple[int, int, int]]) -> None:
    (row,) = [
        row
        for text, row in grown.items()
        if text.startswith("the interpreter -> atexit.register") and text.endswith("(method)")
    ]
    assert row[0] == COUNT


def test_figures_are_those_of_a_census(host: Host) -> None:
    figures = host.call("paths", "totals")
    assert figures["objects"] == pytest.approx(figures["census_objects"], rel=0.02)
    assert figures["size"] == pytest.approx(figures["census_size"], rel=0.02)
    assert figures["past_bound"] == 0
    # Only the samples themselves happened in between.
    assert figures["changes"] < 100
    assert figures["nodes"] > 1000


def test_a_lost_sample_loses_nothing(host: Host) -> None:
    assert host.call("paths", "after_a_lost_sample") == (1, 10)


def test_a_sample_that_nobody_read_leaves_no_unknown_names(host: Host) -> None:
    end, grown = host.call("paths", "after_an_unread_sample")
    # If a child ends at that very moment, its sample is read nevertheless.
    assert end in ("Cancelled", "")
    assert grown == 5


def test_names_without_end_are_folded(host: Host) -> None:
    nodes, counted = host.call("paths", "many_names", 20_000)
    assert counted == 20_000
    assert nodes < 8_000


def test_names_in_another_order_are_the_same_nodes(host: Host) -> None:
    nodes, changed = host.call("paths", "in_another_order", 500)
    assert changed == {"moved0": -1, "new": 1}
    assert nodes < 20


def test_types_of_one_name_are_one(host: Host) -> None:
    nodes, most = host.call("paths", "many_types", 500)
    assert most == 500
    assert nodes < 200


def test_a_task_is_found_at_what_keeps_it(new_host: Callable[..., Host]) -> None:
    assert new_host().call("paths", "tasks") == "planted.waiting[…] (_asyncio.Task)"


def test_the_newest_is_told_with_the_line_that_allocated_it(host: Host) -> None:
    found, expected = host.call("paths", "site")
    assert sys.version_info < (3, 12) or expected
    assert found == ("" if sys.version_info < (3, 12) else expected)
