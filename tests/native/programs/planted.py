"""Small heaps of every kind, planted in the host for the walker to find."""

from __future__ import annotations

import abc
import array
import collections
import contextlib
import functools
import io
import itertools
import types
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Iterator

from .planted_types import (
    BytesChild,
    Color,
    DictChild,
    DictWithDict,
    FloatChild,
    FrozenRecord,
    IntChild,
    ListChild,
    Meta,
    Plain,
    Point,
    Record,
    SetChild,
    Sized,
    Slotted,
    SlottedChild,
    SlottedWithDict,
    StrBare,
    StrChild,
    TupleChild,
)

Builder = Callable[[], object]
HEAPS: dict[str, Builder] = {}


def heap(builder: Builder) -> Builder:
    HEAPS[builder.__name__] = builder
    return builder


def text(number: int) -> str:
    """A new string, neither interned nor shared."""
    return f"planted text {number}"


def big(number: int) -> int:
    return (1 << 70) + number


@heap
def lists() -> object:
    over_allocated: list[object] = []
    for number in range(10):
        over_allocated.append([text(number)])
    return [over_allocated, [], [1, big(1), 2.5, True, None], [[[]]], list(range(1000))]


@heap
def tuples() -> object:
    shared = (text(1),)
    return ((), (1,), (shared, shared), tuple(text(n) for n in range(30)))


@heap
def dicts_with_string_keys() -> object:
    deleted = {text(n): big(n) for n in range(20)}
    for number in range(0, 20, 3):
        del deleted[text(number)]
    return {"name": text(1), "self_named": "self_named", text(2): {}, "deleted": deleted}


@heap
def dicts_with_other_keys() -> object:
    was_mixed: dict[object, object] = {text(1): text(2), 7: 8}
    del was_mixed[7]
    return [{big(1): text(1), (1, text(3)): None, None: 2.5}, {"a": 1, 2: "b"}, was_mixed]


@heap
def large_dict() -> object:
    return {text(n): [n] for n in range(3000)}


@heap
def sets() -> object:
    with_gaps = {text(n) for n in range(40)}
    for number in range(0, 40, 2):
        with_gaps.discard(text(number))
    return [with_gaps, set(), {big(1), 2, (3, text(4))}, frozenset({text(9), frozenset({big(8)})})]


@heap
def inline_attributes() -> object:
    partly = Plain(text(1), text(2), text(3))
    del partly.attribute_1  # type: ignore[attr-defined]
    return [Plain(text(n), [n]) for n in range(5)] + [Plain(), partly]


@heap
def materialised_dicts() -> object:
    return [(thing, thing.__dict__) for thing in (Plain(text(n), [n]) for n in range(5))]


@heap
def replaced_dicts() -> object:
    thing = Plain(text(1))
    thing.__dict__ = {"other": text(2)}
    emptied = Plain(text(3))
    emptied.__dict__ = {}
    return [thing, emptied]


@heap
def many_attributes() -> object:
    return Plain(*map(text, range(60)))


@heap
def slots() -> object:
    child = SlottedChild(text(1), text(2))
    child.own = [text(3)]
    with_dict = SlottedWithDict(text(4), text(5))
    with_dict.further = text(6)  # type: ignore[attr-defined]
    return [Slotted(text(7), None), child, with_dict, object.__new__(Slotted)]


@heap
def subclasses_of_containers() -> object:
    items = ListChild([text(1), [2]])
    items.note = text(3)  # type: ignore[attr-defined]
    entries = DictChild({text(4): text(5), "name": [6]})
    entries.own = text(7)
    mixed = DictWithDict({1: text(8), text(9): 2})
    mixed.note = text(10)  # type: ignore[attr-defined]
    pair = TupleChild((text(11), [12]))
    pair.note = text(13)  # type: ignore[attr-defined]
    members = SetChild({text(14), big(15)})
    return [items, entries, mixed, pair, members, ListChild(), DictChild(), TupleChild()]


@heap
def subclasses_of_atoms() -> object:
    number, string = IntChild(1 << 90), StrChild("a planted string of a subclass")
    number.note = text(1)  # type: ignore[attr-defined]
    string.note = text(2)  # type: ignore[attr-defined]
    return [number, string, StrBare("bare"), BytesChild(b"bytes"), FloatChild(1.5), IntChild(0)]


@heap
def atoms() -> object:
    strings = ["", "a", "é" * 10, "д" * 10, "🙂" * 10, "ascii " * 50]
    numbers = [0, 1, -1, 1 << 30, -(1 << 61), 1 << 1000, 1.5, 2 + 3j]
    return [strings, numbers, b"", b"x" * 100, True, None, ..., NotImplemented, range(10), slice(1)]


@heap
def text_with_cached_utf8() -> object:
    string = "ж" * 50
    # A print to a text stream caches the encoded form in the string.
    print(string, file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    return [string, string + "ы"]


@heap
def closures() -> object:
    kept, other = [text(1)], text(2)

    def outer(default: object = text(3), *, named: object = text(4)) -> Callable[[], object]:
        def inner() -> object:
            return kept, other, default

        return inner

    empty: Callable[[], object] | None = None

    def refers_to_deleted() -> object:
        return empty  # noqa: F821 - its cell is empty, and that is the point

    del empty
    return [outer, outer(), refers_to_deleted, lambda: kept]


@heap
def generators() -> object:
    def generate(value: object) -> Iterator[object]:
        local = [value]
        for item in local:
            yield item
            yield local

    started, fresh, spent = generate(text(1)), generate(text(2)), generate(text(3))
    next(started)
    list(spent)
    return [started, fresh, spent, (text(n) for n in range(3))]


@heap
def coroutines() -> object:
    @types.coroutine
    def pause(value: object) -> Generator[object, None, None]:
        yield value

    async def work(value: object) -> None:
        local = [value]
        await pause(local)

    async def produce(value: object) -> AsyncIterator[object]:
        local = [value]
        yield local

    coroutine = work(text(1))
    coroutine.send(None)
    produced = produce(text(2))
    with contextlib.suppress(StopIteration):
        produced.asend(None).send(None)  # type: ignore[attr-defined]
    return [coroutine, produced]


@heap
def methods_and_partials() -> object:
    thing = Plain(text(1))
    return [
        thing.method,
        functools.partial(print, text(2), sep=text(3)),
        functools.partialmethod(Plain.method, text(4)),
        [].append,
        str.join,
        classmethod(Plain.method),
        staticmethod(Plain.method),
        property(Plain.method, doc=text(5)),
        functools.lru_cache(Plain.method),
        functools.cached_property(Plain.method),
    ]


@heap
def filled_cache() -> object:
    @functools.lru_cache(maxsize=4)
    def answer(question: object) -> object:
        return [question]

    for number in range(8):
        answer(text(number))
    return answer


@heap
def classes() -> object:
    body: dict[str, object] = {"constant": text(1), "make": lambda self: self}
    base = Meta("Base", (Plain,), body)
    child = Meta("Child", (base,), {"__slots__": ("own",), "own_list": [text(2)]})
    return [base, child, child(), abc.ABCMeta("Abstract", (), {"note": text(3)})]


@heap
def enums_and_records() -> object:
    return [*Color, Record(text(1), [text(2)]), FrozenRecord(text(3)), Point(text(4), [5])]


@heap
def a_class_with_its_own_size() -> object:
    return [Sized(), Sized()]


@heap
def collections_of_the_library() -> object:
    long_queue = collections.deque(map(text, range(200)))
    long_queue.popleft()
    ordered = collections.OrderedDict((text(n), [n]) for n in range(5))
    ordered.move_to_end(text(1))
    ordered.pop(text(3))
    return [
        collections.deque(),
        collections.deque([text(1), [2]], maxlen=2),
        long_queue,
        collections.OrderedDict(),
        ordered,
        collections.defaultdict(list, {text(3): [4]}),
        collections.Counter([text(5), text(5), big(6)]),
        collections.ChainMap({text(7): 8}, {}),
        collections.UserDict({text(9): [10]}),
    ]


@heap
def buffers() -> object:
    data = bytearray(b"planted " * 20)
    data.extend(b"more")
    view = memoryview(data)
    return [
        bytearray(),
        data,
        view,
        view[3:9],
        array.array("d", range(50)),
        array.array("B", b"abc"),
        array.array("q"),
        io.BytesIO(b"planted"),
        io.StringIO("planted"),
    ]


@heap
def iterators() -> object:
    return [
        iter([text(1)]),
        iter((text(2),)),
        iter({text(3): 1}),
        iter({text(4)}),
        {text(5): [6]}.items(),
        {text(7): [8]}.keys(),
        enumerate([text(9)]),
        zip([text(10)], [text(11)]),  # noqa: B905
        map(str, [text(12)]),
        filter(None, [text(13)]),
        reversed([text(14)]),
        itertools.chain([text(15)], (text(16),)),
        itertools.count(big(17)),
        itertools.cycle([text(18)]),
    ]


@heap
def proxies_and_weak_references() -> object:
    thing = Plain(text(1))
    mapping = weakref.WeakValueDictionary({text(2): thing})
    return [
        types.MappingProxyType({text(3): [4]}),
        types.SimpleNamespace(attribute=text(5)),
        thing,
        weakref.ref(thing),
        weakref.ref(thing, lambda reference: None),
        weakref.proxy(thing),
        mapping,
        list[int],
        int | str,
    ]


@heap
def exceptions() -> object:
    def fail(value: object) -> None:
        local = [value]
        try:
            raise KeyError(local)
        except KeyError as cause:
            raise ValueError(text(1), local) from cause

    def caught() -> BaseException:
        try:
            fail(text(2))
        except ValueError as error:
            error.add_note(text(3))
            return error
        raise AssertionError

    return [caught(), OSError(2, text(4), text(5)), ExceptionGroup("g", [KeyError(text(6))])]


@heap
def cycles() -> object:
    items: list[object] = [text(1)]
    items.append(items)
    left, right = Plain(items), Plain()
    left.other, right.other = right, left  # type: ignore[attr-defined]
    mapping: dict[object, object] = {}
    mapping["self"] = (mapping, left)
    return [items, left, mapping]


@heap
def modules() -> object:
    module = types.ModuleType("planted_module", text(1))
    exec("constant = [1, 'of the module']\ndef function(): return constant\n", module.__dict__)
    return module


@heap
def deep() -> object:
    chain: object = text(1)
    for number in range(5000):
        chain = (number, chain) if number % 2 else [chain]
    return chain
