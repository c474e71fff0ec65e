"""The hosts of the catalogue of faults are busy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fix_host import ALLOCATIONS


@pytest.fixture(scope="package", autouse=True)
def busy_hosts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ALLOCATIONS, "500")
        yield
