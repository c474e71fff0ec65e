"""Allocation sites, read from the tables of tracemalloc in the child."""

from __future__ import annotations

import sys
from collections.abc import Callable

from .host import Host


def test_each_object_carries_the_line_that_allocated_it(new_host: Callable[..., Host]) -> None:
    state, place, found, warnings = new_host().call("sites", "sites_of_planted", 100, True)
    if sys.version_info < (3, 12):
        assert (state, found) == ("OUT_OF_REACH", {None: 100})
    else:
        assert place is not None
        assert (state, found) == ("INCLUDED", {place: 100})
    assert warnings == []


def test_a_process_without_tracemalloc_has_no_sites(new_host: Callable[..., Host]) -> None:
    state, place, found, _ = new_host().call("sites", "sites_of_planted", 10, False)
    assert (state, place, found) == ("NOT_TRACED", None, {None: 10})
