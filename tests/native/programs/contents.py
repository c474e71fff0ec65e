"""Runs in the host: objects whose contents a snapshot requests."""

from __future__ import annotations

import enum
from typing import Any

from ops_service.heap.model import ContentLevel, Contents

from . import capture


class Text(str):
    pass


class Number(int):
    pass


class Level(enum.IntEnum):
    HIGH = 3


class Keeper:
    """Stands for the holder of the planted objects, so that a search finds it."""

    __slots__ = ("kept",)

    def __init__(self, kept: list[object]) -> None:
        self.kept = kept


def texts() -> list[str]:
    made = ["", "plain", "ünlaut", "\u20ac" * 30, "\U0001f600 wide", "lone \udc80 surrogate"]
    return [*made, "long " * 100, Text("of a subclass"), "\x00 and \x7f", "ü" * 31 + "end"]


def integers() -> list[int]:
    edges = [0, 1, 9, 10, 2**15 - 1, 2**30 - 1, 2**30, 10**9, 10**18, 2**60, 2**63, 10**60]
    small = [sign * each for each in edges for sign in (1, -1)]
    return [*small, 10**63, 10**64, -(10**63), 1 << 3839, 1 << 3840, 7**5000, Number(77)]


def values() -> list[object]:
    blobs = [b"", b"\x00\xff bytes", bytes(range(256))]
    floats = [0.0, -0.0, 1.5, 1e300, float("inf"), -2.5e-320]
    return [*texts(), *integers(), *blobs, *floats, True, False, None, Level.HIGH]


def capture_values(level: int, limit: int, hash_strings: bool) -> list[bytes]:
    capture.KEPT.append(Keeper(values()))
    contents = Contents(ContentLevel(level), limit, hash_strings)
    messages, summary = capture.snapshot(contents)
    capture.KEPT.clear()
    assert summary["warnings"] == (), summary
    return messages


class Mapped:
    """Holds mappings whose keys the snapshot must show."""

    def __init__(self) -> None:
        early = "found early " + "as a value"
        self.early = [early]
        self.mapping: dict[Any, Any] = {
            early: 0,
            "key with spaces": 1,
            b"bytes key": 2,
            12: 3,
            2.5: 4,
            None: 5,
            True: 6,
            ("pair", 7, ("inner", b"x")): 7,
            Keeper([]): 8,
        }
        self.value = "a value " + "that is no key"
        self.by_module = {"first": [1], "ours": capture.own_objects()[0], "last": [2]}


def capture_keys() -> list[bytes]:
    capture.KEPT.append(Mapped())
    messages, _ = capture.snapshot(Contents(ContentLevel.KEYS, 64))
    capture.KEPT.clear()
    return messages


def capture_many_keys(count: int) -> list[bytes]:
    """A dict whose keys fill several batches."""
    capture.KEPT.append(Keeper([{f"key {number:_>4000}": None for number in range(count)}]))
    messages, _ = capture.snapshot(Contents(ContentLevel.KEYS, 4096))
    capture.KEPT.clear()
    return messages


def capture_many_names(count: int) -> list[bytes]:
    """A namespace whose names fill several batches."""
    keeper = Mapped()
    for number in range(count):
        setattr(keeper, f"name_{number:_>190}", None)
    capture.KEPT.append(keeper)
    messages, _ = capture.snapshot()
    capture.KEPT.clear()
    return messages
