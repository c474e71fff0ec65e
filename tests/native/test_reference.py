"""The reference walker itself finds what a recipe declares."""

from __future__ import annotations

import collections
import gc
import sys
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .host import Host
from .programs import recipes, reference

KINDS = sorted(recipes.FIXED | recipes.FILLED)


def recipe_lists(max_size: int) -> st.SearchStrategy[list[recipes.Node]]:
    nodes = st.tuples(st.sampled_from(KINDS), st.lists(st.integers(0, max_size), max_size=5))
    return st.lists(nodes, min_size=1, max_size=max_size)


@given(recipe=recipe_lists(12))
@settings(max_examples=40, deadline=None)
def test_a_recipe_is_walked_as_declared(any_host: Host, recipe: list[recipes.Node]) -> None:
    found = any_host.call("capture", "declared_reach", recipe)
    for (number, reached), declared in zip(found, recipes.kept(recipe), strict=True):
        # A class is in its own order of bases.
        itself = {number} if recipe[number][0] == "class" else set()
        assert set(reached) == set(declared) | itself, (number, recipe[number])


class Bare:
    __slots__ = ()


class TextKeys(dict[object, object]):
    __slots__ = ("own",)


def addresses(thing: object) -> collections.Counter[int]:
    return collections.Counter(map(id, reference.references(thing)))


def test_keys_that_no_traversal_visits_are_found() -> None:
    key, value = "a key %d" % id(Bare), ["value"]  # noqa: UP031 - a string of its own
    plain = {key: value}
    assert id(key) not in map(id, gc.get_referents(plain))
    assert addresses(plain) == {id(key): 1, id(value): 1}


def test_keys_that_a_traversal_visits_are_found_once() -> None:
    key, value = Bare(), ["value"]
    assert addresses({key: value, "text": key}) == addresses([key, value, "text", key])


@pytest.mark.parametrize("keys", [["text", "other"], [Bare(), "text"]])
def test_a_subclass_has_its_entries_and_its_own_references(keys: list[object]) -> None:
    own = ["own"]
    thing = TextKeys.fromkeys(keys, own)
    thing.own = own
    assert addresses(thing) == addresses([*keys, own, own, own, TextKeys])


def test_parts_of_code_are_found() -> None:
    def function() -> str:
        return "a constant of this function"

    code = function.__code__
    assert gc.get_referents(code) == []
    assert id(code.co_consts) in addresses(code)


def test_a_static_type_leads_to_its_namespace() -> None:
    assert gc.get_referents(int) == []
    namespaces = [thing for thing in reference.references(int) if type(thing) is dict]
    assert [space["bit_length"] for space in namespaces] == [int.__dict__["bit_length"]]


def test_objects_that_are_known_are_not_walked_through() -> None:
    inner = ["inner"]
    outer = [inner]
    assert reference.reachable([outer], {id(inner): inner}) == [outer, inner]
    assert [row[6] for row in reference.rows_of([outer, inner], {id(inner): inner})] == [
        True,
        False,
    ]


def test_a_row_says_what_an_object_is() -> None:
    thing = types.SimpleNamespace(name=1)
    address, module, name, type_address, size, tracked, expanded, _ = reference.row_of(thing, True)
    assert (address, type_address) == (id(thing), id(types.SimpleNamespace))
    assert (module, name) == ("types", "SimpleNamespace")
    assert (size, tracked, expanded) == (sys.getsizeof(thing), True, True)
    assert reference.row_of(1, False)[1] == ""
