"""opsctl heap diff"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops_client.cli.command import IncludeOpsService, Json, command
from ops_client.cli.graph_file import Limit, dominators, read
from ops_client.cli.terminal import complain, say, say_json, say_table, size

if TYPE_CHECKING:
    from ops_client.heap_graph import Difference, HeapGraph, Holder
    from ops_client.heap_graph.difference import Grown, TypeChange


@command
def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="The first snapshot.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The second.")],
    limit: Limit = 20,
    include_ops_service: IncludeOpsService = False,
    json: Json = False,
) -> None:
    """Show what is new, gone or grown between two snapshots of one process."""
    from ops_client.heap_graph import PathFinder, compare, find_holders

    first, second = read(before), read(after)
    began, ended = (each.header.capture_time.ToNanoseconds() for each in (first, second))
    if ended < began:
        complain("the second snapshot is older than the first: its new objects were freed.")
    if first.trailer.HasField("cut") or second.trailer.HasField("cut"):
        complain("a snapshot was cut: objects that seem new or gone may be beyond the other's cut.")
    paths = PathFinder(second)
    found = compare(first, second, paths, limit, include_ops_service=include_ops_service)
    holders = find_holders(found, dominators(first), dominators(second), paths, limit)
    if json:
        say_json(_as_document(found, holders, second, limit))
        return
    _say_types(found.types[:limit])
    if holders:
        _say_holders(holders)
    if found.grown:
        _say_grown(found.grown)
    _say_bounds(found)


def _as_document(
    found: Difference, holders: list[Holder], second: HeapGraph, limit: int
) -> dict[str, object]:
    return {
        "new_count": int(found.is_new.sum()),
        "freed_count": int(found.is_freed.sum()),
        "readdressed_count": found.readdressed,
        "types": [asdict(each) for each in found.types[:limit]],
        "grown": [asdict(each) for each in found.grown],
        "holders": [
            {
                **asdict(each),
                "id": None if each.object_index is None else second.ids[each.object_index].item(),
            }
            for each in holders
        ],
    }


def _say_types(types: list[TypeChange]) -> None:
    say_table(
        ["count", "size", "new", "gone", "grown", "type"],
        [
            (
                f"{each.count_after - each.count_before:+,}",
                _signed(each.size_after - each.size_before),
                f"{each.new:,}",
                f"{each.freed:,}",
                f"{each.grown:,}",
                each.type_name,
            )
            for each in types
        ],
    )


def _say_holders(holders: list[Holder]) -> None:
    say("")
    say("By the object that holds them and is in both snapshots:")
    say_table(
        ["size", "new", "size of these", "gone", "size of these", "holder grew by", "holder"],
        [
            (
                _signed(each.net_size),
                f"{each.count:,}",
                size(each.size),
                f"{each.freed_count:,}",
                size(each.freed_size),
                _signed(each.growth),
                each.path,
            )
            for each in holders
        ],
    )


def _say_grown(grown: list[Grown]) -> None:
    say("")
    say("Grown:")
    say_table(
        ["size", "growth", "id", "object"],
        [
            (
                size(each.size_after),
                _signed(each.size_after - each.size_before),
                str(each.id),
                each.path,
            )
            for each in grown
        ],
    )


def _say_bounds(found: Difference) -> None:
    """Say how far the counts of objects can be wrong."""
    new, freed = int(found.is_new.sum()), int(found.is_freed.sum())
    say("")
    say(
        f"At least {new:,} new objects and {freed:,} gone; {found.readdressed:,} of the new "
        "ones reuse the address of one that is gone."
    )
    say(
        "If a new object looks the same as the one whose address it reuses, the two count as "
        "one. Counts and sizes by type are exact."
    )


def _signed(count: int) -> str:
    return ("+" if count >= 0 else "") + size(count)
