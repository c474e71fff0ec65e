"""The store's directory while other threads write to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops_service.store.directory import PART, WHOLE, Directory
from ops_service.store.model import InstanceFacts

COUNT = 80


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    facts = InstanceFacts("a" * 32, 1, "host", None, 0.0)
    directory = Directory(tmp_path / "store", 1 << 20, facts)
    yield directory
    directory.close()


def test_snapshots_that_get_their_names_are_never_missing(directory: Directory) -> None:
    parts = [directory.own / f"{number:016x}{PART}" for number in range(COUNT)]
    for part in parts:
        part.write_bytes(b"x")
    wrong: list[object] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            if (count := len(directory.snapshots())) != COUNT:
                wrong.append(count)
            if (size := directory.used_bytes()) < COUNT:
                wrong.append(f"{size} bytes")

    def find() -> None:
        while not over.is_set():
            for part in parts:
                try:
                    directory.find(part.stem)
                except Exception as error:
                    wrong.append(error)

    threads = [threading.Thread(target=each) for each in (look, find)]
    for thread in threads:
        thread.start()
    for part in parts:
        part.rename(part.with_suffix(WHOLE))
        # Renames alternate with listings, so that names change in the middle of them.
        directory.snapshots()
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert {each.state.name for each in directory.snapshots()} == {"WHOLE"}


def test_what_was_removed_is_not_told(directory: Directory) -> None:
    kept, gone = (directory.own / f"{number:016x}{WHOLE}" for number in (1, 2))
    for each in (kept, gone):
        each.write_bytes(b"x")
    gone.unlink()
    assert [each.snapshot_id for each in directory.snapshots()] == [kept.stem]
