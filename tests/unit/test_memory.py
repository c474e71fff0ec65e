"""Where the memory is: the figures of other systems and allocators, and the sums."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops_service.errors import EngineUnavailable
from ops_service.process.kinds import ObjectKind, kind_of
from ops_service.process.libc import Unavailable
from ops_service.process.memory import Memory, Part, read_memory

KIB = 1024
STATISTICS = """\
# arenas allocated current         =                    2
2 arenas * 1048576 bytes/arena     =            2,097,152

# bytes in allocated blocks        =              798,992
# bytes in available blocks        =              371,440
Total                              =            2,097,152
"""
STATUS = """\
VmRSS:\t   10000 kB
RssAnon:\t    {anonymous} kB
RssFile:\t    3000 kB
RssShmem:\t    0 kB
VmSwap:\t    16 kB
"""


def read(
    directory: Path,
    *,
    anonymous: int = 7000,
    statistics: str = STATISTICS,
    malloc: tuple[int, int] = (3 << 20, 1 << 20),
) -> Memory:
    status = directory / "status"
    status.write_text(STATUS.format(anonymous=anonymous))
    return read_memory(lambda: statistics, lambda: malloc, status)


def test_the_parts_add_up(tmp_path: Path) -> None:
    memory = read(tmp_path)
    assert memory.anonymous == Part(7000 * KIB)
    assert memory.resident == Part(10_000 * KIB)
    assert memory.shared == Part(0)
    assert memory.swapped == Part(16 * KIB)
    assert memory.python_in_use == Part(798_992)
    assert memory.python_free == Part(2_097_152 - 798_992)
    assert memory.unaccounted == Part(7000 * KIB - 2_097_152 - (4 << 20))
    assert memory.not_resident == Part(0)


def test_more_counted_than_resident_is_told_as_such(tmp_path: Path) -> None:
    memory = read(tmp_path, anonymous=5000)
    assert memory.unaccounted == Part(0)
    assert memory.not_resident == Part(2_097_152 + (4 << 20) - 5000 * KIB)


@pytest.mark.parametrize("text", ["", "Some allocator of the future: 3 MB\n"])
def test_arenas_that_are_not_told_are_unknown(tmp_path: Path, text: str) -> None:
    memory = read(tmp_path, statistics=text)
    for part in (memory.python_in_use, memory.python_free):
        assert part.bytes is None
        assert part.reason
    # The rest of the memory is then unknown too. Other figures are known.
    assert memory.unaccounted.bytes is memory.not_resident.bytes is None
    assert memory.unaccounted.reason
    assert memory.malloc_in_use == Part(3 << 20)


def test_an_allocator_that_does_not_tell_is_unknown() -> None:
    def untold() -> tuple[int, int]:
        raise Unavailable("malloc is served by libother.so, not by the C library.")

    def missing() -> str:
        raise EngineUnavailable("No extension.")

    memory = read_memory(missing, untold)
    assert memory.malloc_in_use == memory.malloc_free
    assert memory.malloc_free == Part(
        None, "malloc is served by libother.so, not by the C library."
    )
    assert memory.python_in_use == Part(None, "No extension.")
    assert memory.resident.bytes


def test_a_system_without_these_figures_is_unknown(tmp_path: Path) -> None:
    nowhere = read_memory(lambda: STATISTICS, lambda: (1, 1), tmp_path / "missing")
    (tmp_path / "old").write_text("VmRSS:\t 100 kB\n")
    old = read_memory(lambda: STATISTICS, lambda: (1, 1), tmp_path / "old")
    for memory in (nowhere, old):
        for part in (memory.resident, memory.anonymous, memory.shared, memory.unaccounted):
            assert part.bytes is None
            assert part.reason
        assert memory.malloc_free == Part(1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bytes", ObjectKind.TEXT_AND_BYTES),
        ("collections.deque", ObjectKind.CONTAINER),
        ("decimal.Decimal", ObjectKind.NUMBER),
        ("builtin_function_or_method", ObjectKind.CODE),
        ("module", ObjectKind.TYPE_AND_MODULE),
        ("shop.orders.Order", ObjectKind.INSTANCE),
        ("numpy.ndarray", ObjectKind.ARRAY_AND_BUFFER),
        ("NoneType", ObjectKind.OTHER),
    ],
)
def test_kinds(name: str, kind: ObjectKind) -> None:
    assert kind_of(name) == kind
