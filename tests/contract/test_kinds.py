"""Client and host use the same names for the kinds of objects."""

from __future__ import annotations

import pytest

from ops_client.heap_graph import kinds as of_client
from ops_service.messages import memory as memory_messages
from ops_service.process import kinds as of_host


@pytest.mark.parametrize(
    "name",
    sorted({*of_host._KINDS, *of_client._KINDS, "shop.Session", "a builtin without a module"}),
)
def test_a_type_is_of_one_kind_on_both_sides(name: str) -> None:
    assert of_client.kind_of(name) == memory_messages._KINDS[of_host.kind_of(name)]
