"""An idle application: the differences between two captures of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fix_certs import CertificateAuthority, Identity
from fix_idle import IDLE, running_idle
from fix_opsctl import Opsctl, environment_of

COUNTED = ("new_count", "freed_count", "types", "grown")


@pytest.fixture
def idle(authority: CertificateAuthority, tmp_path: Path) -> Iterator[str]:
    """Address of an application that waits for the end of its standard input."""
    with running_idle(authority, tmp_path, [sys.executable, "-P", "-c", IDLE]) as address:
        yield address


@pytest.mark.long
def test_nothing_differs_but_what_is_the_ports_own(
    idle: str, admin: Identity, opsctl: Opsctl, tmp_path: Path
) -> None:
    environment = environment_of(idle, admin)
    files = [tmp_path / f"{number}.heap" for number in range(6)]
    for file in files:
        done = opsctl("heap", "capture", "-o", file, env=environment)
        assert done.returncode == 0, done.stderr

    def difference(before: Path, after: Path, *options: str) -> dict[str, Any]:
        done = opsctl("heap", "diff", before, after, "--json", *options)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    # The first call of each kind loads modules. Later calls use them again.
    changes = [
        {name: found for name in COUNTED if (found := difference(*pair)[name])}
        for pair in pairwise(files[2:])
    ]
    assert {} in changes, changes
    # Each call is work of the port, and shows up if the port's objects are requested.
    own = difference(*files[-2:], "--include-ops-service")
    assert own["new_count"] > 20
