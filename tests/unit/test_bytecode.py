"""Positions in functions: the call that each makes, and what ``with`` has entered."""

from __future__ import annotations

import sys
import time
from types import FrameType
from typing import Any

import pytest

from ops_service.process import bytecode
from ops_service.process.bytecode import Path, Spot, read_spot
from ops_service.process.bytecode_proof import reads_bytecode


class Seen:
    """Reads the position of whoever calls it."""

    def __init__(self) -> None:
        self.lock = self
        self.spots: list[Spot] = []

    def _read(self, frame: FrameType) -> None:
        self.spots.append(read_spot(frame.f_code, frame.f_lasti))

    def acquire(self, *args: Any, **named: Any) -> Seen:
        self._read(sys._getframe(1))
        return self

    def number(self, *args: Any) -> int:
        return 1

    def __enter__(self) -> Seen:
        self._read(sys._getframe(1))
        return self

    def __exit__(self, *_: object) -> None:
        pass


def local(*names: str) -> Path:
    return Path("local", names)


def calls(seen: Seen, others: Any) -> None:
    seen.acquire()
    seen.lock.acquire(True, timeout=1)
    seen.lock.lock.acquire(max(1, 2), timeout=seen.number(3) + 1)
    seen.acquire([1, *others], f"{others} {seen.number()}", others[0:1], -seen.number())
    seen.acquire().lock.acquire()
    (seen if others else calls).acquire()  # type: ignore[union-attr]
    method = seen.acquire
    method()


def test_the_object_of_a_method_that_is_called() -> None:
    seen = Seen()
    calls(seen, (1,))
    assert [(spot.called, spot.on) for spot in seen.spots] == [
        ("acquire", local("seen")),
        ("acquire", local("seen", "lock")),
        ("acquire", local("seen", "lock", "lock")),
        ("acquire", local("seen")),
        ("acquire", local("seen")),
        # What another call returned, and what depends on a condition, has no name.
        ("acquire", None),
        ("acquire", None),
        ("", None),
    ]


def test_a_function_of_a_module() -> None:
    seen: list[Spot] = []

    def read(frame: FrameType) -> None:
        seen.append(read_spot(frame.f_code, frame.f_lasti))

    time.read = read  # type: ignore[attr-defined]
    try:
        time.read(sys._getframe())  # type: ignore[attr-defined]
    finally:
        del time.read  # type: ignore[attr-defined]
    assert [(spot.called, spot.on) for spot in seen] == [("read", Path("global", ("time",)))]


def enters(seen: Seen, others: Any) -> None:
    own = seen.lock
    with own as inner:
        inner.acquire()
        with seen.lock, seen if others else own:
            seen.acquire()
        own.acquire()
    try:
        with seen:
            raise ValueError
    except ValueError:
        seen.acquire()


def test_what_with_has_entered() -> None:
    seen = Seen()
    enters(seen, (1,))
    own, lock = local("own"), local("seen", "lock")
    assert [(spot.called, spot.on, spot.inside) for spot in seen.spots] == [
        ("__enter__", own, ()),
        ("acquire", local("inner"), (own,)),
        ("__enter__", lock, (own,)),
        ("__enter__", None, (lock, own)),
        ("acquire", local("seen"), (lock, own)),
        ("acquire", own, (own,)),
        ("__enter__", local("seen"), ()),
        ("acquire", local("seen"), ()),
    ]


def test_the_proof_passes_here_and_fails_for_other_instructions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert reads_bytecode()
    monkeypatch.setattr(bytecode, "_WITH", ())
    monkeypatch.setattr(bytecode, "_ENTER", ())
    reads_bytecode.cache_clear()
    assert not reads_bytecode()
    monkeypatch.undo()
    reads_bytecode.cache_clear()
    assert reads_bytecode()
