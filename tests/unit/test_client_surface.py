"""The public names of ops_client, and the modules that it loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ops_client


def test_every_public_name_is_there() -> None:
    assert set(ops_client._MODULES) == set(ops_client.__all__) <= set(dir(ops_client))
    for name in ops_client.__all__:
        assert getattr(ops_client, name).__doc__
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = ops_client.no_such_name


def test_files_are_read_without_grpc() -> None:
    script = (
        "import sys, ops_client.cli, ops_client.heap_graph, ops_client.devtools\n"
        "print('grpc' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
