"""Hosts of the walker's tests."""

from __future__ import annotations

from importlib.util import find_spec

from .host import Host


def test_a_host_runs_the_walker_of_its_environment(host: Host) -> None:
    found = find_spec("ops_service.heap._walker")
    assert found
    assert host.call("imported", "walker") == found.origin
