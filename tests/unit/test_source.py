"""Compile a caller's source."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ops_service.repl.source import compile_source


@pytest.fixture
def collections() -> Iterator[None]:
    """Frequent garbage collections, each of which lets other threads run."""
    before = gc.get_threshold()
    gc.callbacks.append(let_others_run)
    gc.set_threshold(5, 2, 2)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(let_others_run)


def let_others_run(phase: str, info: dict[str, int]) -> None:
    for _ in range(50):
        pass


@pytest.mark.usefixtures("collections")
def test_trees_that_are_made_at_once() -> None:
    source = "x = 1\n" + "if x:\n  y = [x for x in (1, 2)]\n" * 20
    with ThreadPoolExecutor(4) as pool:
        for compiled in pool.map(compile_source, [source] * 100, ["<test>"] * 100):
            assert compiled.statements is not None
