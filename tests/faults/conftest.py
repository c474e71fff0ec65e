"""The hosts of the catalogue of faults are busy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fix_host import MEASURED


@pytest.fixture(scope="package", autouse=True)
def busy_hosts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in MEASURED.items():
            patch.setenv(name, value)
        yield
