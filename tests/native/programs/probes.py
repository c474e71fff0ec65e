"""Runs in the host: objects that heap walks tend to miss, names, and secrets."""

from __future__ import annotations

import array
import collections
import contextvars
import functools
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import ClassVar

from . import capture

NAMED_AT_MODULE_LEVEL: list[object] = []


def text(what: str) -> str:
    """A new string that nothing else in the process holds."""
    return " ".join(("only", "the probe holds this:", what))


class Probes:
    """What a walk must find, each behind another kind of reference."""


class Inline:
    class_constant: ClassVar[list[str]] = ["of the class"]

    def __init__(self, value: object) -> None:
        self.inline_text = value


class Slotted:
    __slots__ = ("slot_text",)

    def __init__(self, value: object) -> None:
        self.slot_text = value


class Asked:
    """Something has read its ``__dict__``."""

    def __init__(self, value: object) -> None:
        self.dict_text = value
        assert self.__dict__


class Awkward:
    """Attributes whose names are not identifiers."""

    def __init__(self) -> None:
        for name in ("no identifier, a sentence", "naïve"):
            setattr(self, name, [name])
        self.proper = [3]


class Closed:
    """Keeps a closure, a generator and containers."""


class Keys:
    """Used as a key, so that a search finds it."""


def closure_over(value: object) -> Callable[[], object]:
    return lambda: value


def suspended(value: object) -> Iterator[object]:
    local_of_generator = value
    yield
    yield local_of_generator


class HeldThread:
    """A thread in a function whose locals nothing else holds."""

    def __init__(self) -> None:
        self.ready, self.leave = threading.Event(), threading.Event()
        self.addresses: list[int] = []
        self.thread = threading.Thread(target=self.hold_locals, name="planted-thread")
        self.thread.start()
        self.ready.wait()

    def hold_locals(self) -> None:
        only_text = text("a local of another thread")
        only_list = [text("an element of a list in a local of another thread")]
        self.addresses = [id(only_text), id(only_list), id(only_list[0])]
        self.ready.set()
        self.leave.wait()
        # Keeps the locals alive until here.
        self.addresses = [id(only_text), id(only_list)]

    def end(self) -> None:
        self.leave.set()
        self.thread.join()


def plant() -> tuple[Probes, dict[str, object]]:
    probes = Probes()
    found: dict[str, object] = {}

    def keep(name: str, inner: object, outer: object) -> None:
        found[name] = inner
        setattr(probes, name.replace(" ", "_"), outer)

    value: object = text("inline")
    keep("inline attribute", value, Inline(value))
    value = text("slot")
    keep("slot", value, Slotted(value))
    value = 10**40 + 7
    keep("untracked dict in a list", value, [{"number": value}])
    value = text("tuple")
    keep("tuple in a tuple", value, ((value,),))
    value = text("bytes").encode()
    keep("bytes in a deque", value, collections.deque([value]))
    value = text("cell")
    keep("closure cell", value, closure_over(value))
    value = array.array("d", range(77))
    keep("array", value, value)
    value = bytearray(text("bytearray").encode())
    keep("bytearray", value, value)
    value = text("generator")
    generator = suspended(value)
    next(generator)
    keep("generator local", value, generator)
    key: object = text("key")
    keep("dict key", key, {key: 1})
    return probes, found


def capture_probes() -> dict[str, object]:
    """Two snapshots of the same probes. In the second, ``Order`` lists them."""
    probes, found = plant()
    NAMED_AT_MODULE_LEVEL.append(probes)
    held = HeldThread()
    try:
        names = [*found, "local of a thread", "list there", "text in it"]
        addresses = [*map(id, found.values()), *held.addresses]
        sizes = [sys.getsizeof(thing) for thing in found.values()]
        found.clear()
        alone = capture.snapshot()[0]
        things = objects_at(addresses)
        capture.KEPT.append(things)
        sizes += map(sys.getsizeof, things[len(sizes) :])
        listed = capture.snapshot()[0]
    finally:
        held.end()
        NAMED_AT_MODULE_LEVEL.clear()
        capture.KEPT.clear()
    return {"names": names, "sizes": sizes, "alone": alone, "listed": listed}


def objects_at(addresses: list[int]) -> capture.Order:
    import ctypes

    return capture.Order(ctypes.cast(address, ctypes.py_object).value for address in addresses)


def capture_named() -> list[bytes]:
    """Objects whose parts have names, or must have none."""
    closed = Closed()
    closed.closure = closure_over(Keys())  # type: ignore[attr-defined]
    closed.generator = suspended(Keys())  # type: ignore[attr-defined]
    next(closed.generator)  # type: ignore[attr-defined]
    closed.sequence = [1.5, "b", b"c"]  # type: ignore[attr-defined]
    closed.mapping = {"identifier": [], Keys(): (), "z": {}}  # type: ignore[attr-defined]
    module = types.ModuleType("made_by_hand")
    module.named_in_module = [1]  # type: ignore[attr-defined]
    kept = [Inline(1), Slotted([1]), Asked([1]), Awkward(), closed, module]
    NAMED_AT_MODULE_LEVEL.append(kept)
    held = HeldThread()
    try:
        return capture.snapshot()[0]
    finally:
        held.end()
        NAMED_AT_MODULE_LEVEL.clear()


class Credentials:
    def __init__(self, value: str) -> None:
        self.name_that_code_wrote = value


def capture_secrets(word: str) -> list[bytes]:
    """Plant a secret in every way that an application might, and capture."""
    number = int.from_bytes(word.encode(), "little")
    data = word.encode()
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default=word)
    variable.set(word + "_set")

    def with_default(argument: str = word, **further: object) -> list[bytes]:
        local = word + "_local"
        return [*capture.snapshot()[0]] if local else []

    class WithData(dict[str, object]):
        pass

    try:
        raise PermissionError(13, word, word + "_file")
    except PermissionError as error:
        failure = error
    kept = [
        word,
        data,
        bytearray(data),
        memoryview(data),
        number,
        sys.intern(word + "_interned"),
        {word: 1, data: 2, number: 3, (word,): 4},
        {word: {word: [word]}},
        collections.OrderedDict({word: word}),
        collections.defaultdict(list, {word: [word]}),
        collections.Counter([word, data, number]),
        collections.ChainMap({word: 1}),
        collections.UserDict({word: 1}),
        WithData({word: 1}),
        types.MappingProxyType({word: word}),
        functools.partial(print, word, **{word: word}),
        {word, data},
        frozenset({number}),
        collections.deque([word]),
        array.array("B", data),
        Credentials(word),
        failure,
        (word for _ in range(1)),
        eval(f"lambda: {word!r}"),
    ]
    NAMED_AT_MODULE_LEVEL.append(kept)
    try:
        return with_default(**{word: word})
    finally:
        NAMED_AT_MODULE_LEVEL.clear()
