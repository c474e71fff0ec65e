"""Sizes of objects with data outside their structure, against sys.getsizeof."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .decode import ELEMENT, ESTIMATED, decode
from .host import Host


def sizes(host: Host, name: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]], list[bool]]:
    """Types and sizes from Python, the same from the snapshot, and which sizes are estimates."""
    types, wanted, messages = host.call("sized", "capture_sizes", name)
    graph = decode(messages)
    nodes = graph.targets(graph.only("Order"), ELEMENT)
    found = [graph.sizes[node] for node in nodes]
    estimated = [bool(graph.flags[node] & ESTIMATED) for node in nodes]
    return (
        list(zip(types, wanted, strict=True)),
        list(zip(types, found, strict=True)),
        estimated,
    )


def test_common_types_of_c(host: Host) -> None:
    wanted, found, estimated = sizes(host, "plain")
    assert found == wanted
    assert not any(estimated)


def test_numpy_arrays(new_host: Callable[..., Host]) -> None:
    pytest.importorskip("numpy")
    host = new_host()
    wanted, found, estimated = sizes(host, "numpy_arrays")
    assert found == wanted
    assert not any(estimated)


def test_what_only_running_code_could_tell_is_an_estimate(host: Host) -> None:
    _, found, estimated = sizes(host, "own_size")
    assert all(estimated)
    assert all(16 <= size < 1000 for _, size in found)


def test_a_method_that_is_not_used_is_none(host: Host) -> None:
    wanted, found, estimated = sizes(host, "unused_mixin")
    assert found == wanted
    assert not any(estimated)


def test_numpy_is_not_imported_for_it(host: Host) -> None:
    sizes(host, "plain")
    assert not host.call("sized", "has_numpy")
