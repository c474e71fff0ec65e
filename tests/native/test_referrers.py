"""What holds an object or a type: every planted path is reported, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from .host import Host

ITEM = "native.programs.referrers.Item"


@pytest.fixture(scope="module")
def planted(host: Host) -> Host:
    host.call("referrers", "plant")
    return host


@pytest.fixture(scope="module")
def of_item(planted: Host) -> dict[str, Any]:
    return planted.call("referrers", "by_id", ITEM)


def test_each_referrer_of_an_object_is_told(of_item: dict[str, Any]) -> None:
    texts = [text.replace(f" ({ITEM})", "") for text, _ in of_item["paths"]]
    assert set(texts) == {
        "planted.single",
        "planted.items[1]",
        "planted.pair[0]",
        "planted.function __closure__[0].cell_contents",
        "planted.slotted.only",
    }
    assert (of_item["object_count"], of_item["way_count"]) == (1, 5)
    assert len(texts) == len(set(texts))
    assert len(texts[0]) <= len(texts[-1])


def test_what_an_object_keeps_alive_itself_does_not_hold_it(of_item: dict[str, Any]) -> None:
    assert not any("inner" in text for text, _ in of_item["paths"])


def test_the_graph_is_one_of_single_nodes(of_item: dict[str, Any]) -> None:
    assert len(of_item["targets"]) == 1
    assert len(of_item["edges"]) == len(set(map(tuple, of_item["edges"])))
    lines = of_item["dot"].splitlines()
    assert sum(" -> " in line for line in lines) == len(of_item["edges"])
    assert sum(line.strip().startswith("n") and "->" not in line for line in lines) == (
        of_item["nodes"] + 1  # the line that begins with "node"
    )


def test_objects_of_a_type_are_counted_by_how_they_are_held(planted: Host) -> None:
    found = planted.call("referrers", "by_type", ITEM)
    assert found["object_count"] == 3001
    assert found["paths"][0][0] == f"planted.mapping[…] ({ITEM})"
    assert sum(count for _, count in found["paths"]) == found["looked_at"] <= 1000
    assert not any("secret" in text for text, _ in found["paths"])
    assert "secret" not in found["dot"]


def test_breadth_bounds_the_graph(planted: Host) -> None:
    found = planted.call("referrers", "by_type", "function", 3)
    assert len(found["paths"]) == 3
    assert found["nodes"] < 3 * 60


@pytest.mark.parametrize(
    ("type_name", "text"),
    [
        (
            "Knot",
            "a garbage cycle -> native.programs.referrers.Knot (native.programs.referrers.Knot)",
        ),
        (
            "Pinned",
            "C code alone -> native.programs.referrers.Pinned (native.programs.referrers.Pinned)",
        ),
        ("InFrame", "thread holder -> wait_with() item (native.programs.referrers.InFrame)"),
    ],
)
def test_where_a_way_begins(planted: Host, type_name: str, text: str) -> None:
    name = f"native.programs.referrers.{type_name}"
    of_type = [each for each, _ in planted.call("referrers", "by_type", name)["paths"]]
    assert text in of_type
    of_object = [each for each, _ in planted.call("referrers", "by_id", name)["paths"]]
    assert any(each.split(" -> ")[0] == text.split(" -> ")[0] for each in of_object), of_object


def test_chains_without_end_are_cut_in_the_middle(planted: Host) -> None:
    found = planted.call("referrers", "by_type", "native.programs.referrers.Link")
    assert found["object_count"] == 100_001
    assert {text for text, _ in found["paths"]} == {
        "planted.head (native.programs.referrers.Link)",
        "planted.head.next… (native.programs.referrers.Link)",
    }
    found = planted.call("referrers", "by_type", "native.programs.referrers.Deep")
    ((text, _),) = found["paths"]
    assert text == "planted.head.next… (native.programs.referrers.Deep)"
    ((*steps,),) = found["steps"]
    assert len(steps) < 60
    # The roots, the module, its namespace, 100,001 links, and the object.
    assert len(steps) + sum(steps) == pytest.approx(100_005, abs=1)


def test_types_that_are_not_there(planted: Host) -> None:
    found = planted.call("referrers", "by_type", "elsewhere.Slotted")
    assert found["error"] == "ObjectNotFound"
    # Other tests of this host may have planted types of that name too.
    _, _, meant = found["text"].partition("Did you mean ")
    assert "native.programs.referrers.Slotted" in meant
    found = planted.call("referrers", "by_type", "no.such.Type")
    assert "Did you mean" not in found["text"]


@pytest.mark.parametrize("object_id", [2, 78, 2**32 - 1, 2**32, 2**64 - 1])
def test_ids_that_are_not_there(planted: Host, object_id: int) -> None:
    found = planted.call("referrers", "search", object_id, 10)
    assert found["error"] == "ObjectNotFound"


def test_a_search_that_is_ended_tells_what_it_has(planted: Host) -> None:
    found = planted.call("referrers", "in_no_time", ITEM)
    assert found["partial"]
    assert 0 < found["object_count"] < 3001 or found["paths"]
    found = planted.call("referrers", "in_no_time", "native.programs.referrers.Deep")
    assert found["error"] == "WalkTimeout"
    assert "time_limit" in found["text"]


def test_one_capture_or_search_at_once(planted: Host) -> None:
    assert planted.call("referrers", "beside_a_capture")["error"] == "Busy"
    assert "paths" in planted.call("referrers", "by_type", ITEM)


# ---- from an id to the object: lookup.c ------------------------------------------------

FOUND, UNKNOWN_ID, NOT_TRACKED, OTHER_TYPE, PAST_LIMIT = range(5)


@pytest.fixture(scope="module")
def item_id(planted: Host) -> int:
    return planted.call("referrers", "id_of_item")


def test_an_object_is_handed_out_by_id_and_type(planted: Host, item_id: int) -> None:
    assert planted.call("referrers", "look_up", item_id, ITEM, 60.0) == (FOUND, True)


@pytest.mark.parametrize("name", ["Item", "referrers.Item", f"{ITEM}s", f"{ITEM}.Item", ""])
def test_the_type_must_be_named_in_full(planted: Host, item_id: int, name: str) -> None:
    assert planted.call("referrers", "look_up", item_id, name, 60.0) == (OTHER_TYPE, False)


def test_ids_that_no_walk_gave_away(planted: Host, item_id: int) -> None:
    for wrong in (0, item_id - 1, item_id + (1 << 31), 1 << 63, 2**64 - 1):
        assert planted.call("referrers", "look_up", wrong, ITEM, 60.0) == (UNKNOWN_ID, False)


def test_what_is_not_tracked_is_not_handed_out(planted: Host, item_id: int) -> None:
    text = planted.call("referrers", "id_of_text")
    assert planted.call("referrers", "look_up", text, "str", 60.0) == (NOT_TRACKED, False)
    # An address between two objects.
    inside = planted.call("referrers", "look_up", item_id + 2, ITEM, 60.0)
    assert inside == (NOT_TRACKED, False)


def test_the_lookup_ends_at_its_limit(planted: Host) -> None:
    text = planted.call("referrers", "id_of_text")
    assert planted.call("referrers", "look_up", text, "str", -1.0) == (PAST_LIMIT, False)


def test_the_lookup_keeps_to_the_budget_of_pauses(planted: Host) -> None:
    assert "within 1e-06 s" in planted.call("referrers", "look_up_within", 1e-6)
    # An ample budget does not change the lookup's own bound.
    assert "within 1e-06 s" not in str(planted.call("referrers", "look_up_within", 60.0))
