"""A walker built for one patch release, in an interpreter of another."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ops_service

from .decode import decode
from .host import Host

SOURCE = str(Path(ops_service.__file__).parents[1])
ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def other_patch_release() -> str:
    """Path of an interpreter that differs only in its patch release, "" if there is none."""
    minor = "{}.{}".format(*sys.version_info)
    names = [f"/usr/bin/python{minor}", f"/usr/local/bin/python{minor}"]
    names += [str(path) for path in Path.home().glob(f".pyenv/versions/{minor}.*/bin/python")]
    names.append(shutil.which(f"python{minor}") or "")
    # Those of `make versions`.
    unpacked = Path(os.environ.get("DEBIAN_PYTHONS", ROOT / ".cache/pythons"))
    names += [str(path.resolve()) for path in unpacked.glob(f"{minor}-*")]
    for name in names:
        if not os.access(name, os.X_OK):
            continue
        question = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
        answer = subprocess.run([name, "-I", "-c", question], capture_output=True, text=True)
        found = answer.stdout.strip()
        if found.startswith(f"{minor}.") and found != "{}.{}.{}".format(*sys.version_info):
            return name
    return ""


@pytest.fixture
def other(host: Host) -> Iterator[Host]:
    python = other_patch_release()
    if not python:
        pytest.skip("no interpreter of another patch release is installed")
    with Host(python=python, environment={"PYTHONPATH": SOURCE}) as found:
        yield found


def test_it_runs_where_its_layout_proves_right(other: Host) -> None:
    available, reason, compiled_for = other.call("capture", "status")
    assert compiled_for != other.call("patch_release", "running")
    assert (available, reason) == (True, "")
    reply = other.call("patch_release", "capture_planted")
    graph = decode(reply["messages"])
    assert (
        graph.type_name(graph.only("native.programs.patch_release.Planted"))
        == "native.programs.patch_release.Planted"
    )
    assert reply["objects"] == len(graph)
