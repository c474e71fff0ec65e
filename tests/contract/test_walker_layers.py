"""The walker's files form layers, and only one place depends on the kind of walk."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "ops_service/heap/_walker"
SOURCES = {
    path.name: re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    for path in sorted(FOLDER.glob("*.[ch]"))
}
# A type on its own line, then the name, up to a brace at the beginning of a line.
FUNCTION = re.compile(r"^(\w[\w *]*)\n(\w+)\([^;{]*\)\n\{(.*?)^\}", re.MULTILINE | re.DOTALL)
LINES_MAX = 400


def called(text: str) -> set[str]:
    return set(re.findall(r"\b(\w+)\(", text))


def calls_of_files() -> dict[str, set[str]]:
    """For each source file, the other files whose functions it calls, directly or through a
    function that a header defines."""
    owners: dict[str, str] = {}
    inline: dict[str, set[str]] = {}
    for name, text in SOURCES.items():
        for kind, function, body in FUNCTION.findall(text):
            if name.endswith(".h"):
                inline[function] = called(body)
            elif not kind.startswith("static"):
                owners[function] = name
    found = {}
    for name, text in SOURCES.items():
        if not name.endswith(".c"):
            continue
        wanted, seen = called(text), set()
        while wanted:
            function = wanted.pop()
            seen.add(function)
            wanted |= inline.get(function, set()) - seen
        found[name] = {owners[function] for function in seen if function in owners} - {name}
    return found


def test_no_file_calls_one_that_stands_below_it_in_the_map() -> None:
    text = (FOLDER / "walker.h").read_text()
    places = {name: number for number, name in enumerate(re.findall(r"\b\w+\.c\b", text))}
    calls = calls_of_files()
    assert places.keys() == calls.keys()
    # The calls that are compared do exist.
    assert "sink_census.c" in calls["edges.c"]
    assert "types.c" in calls["sink_census.c"]
    upward = {
        (name, other)
        for name, others in calls.items()
        for other in others
        if places[other] > places[name]
    }
    assert upward == set()


def test_headers_include_each_other_one_way() -> None:
    includes = {
        name: set(re.findall(r'#include "(\w+\.h)"', text))
        for name, text in SOURCES.items()
        if name.endswith(".h")
    }
    list(TopologicalSorter(includes).static_order())


def test_the_kind_of_a_walk_is_asked_for_in_one_place() -> None:
    asking = {name for name, text in SOURCES.items() if "walk->kind" in text}
    # The child chooses which walk to run.
    assert asking == {"sink.h", "child.c"}


def test_files_are_short() -> None:
    long = {
        path.name
        for path in FOLDER.glob("*.[ch]")
        if len(path.read_text().splitlines()) > LINES_MAX
    }
    assert long == set()
