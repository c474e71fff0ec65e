"""Classes that the planted heaps are made of."""

from __future__ import annotations

import dataclasses
import enum
import typing


class Plain:
    """Its attributes are inline until something reads ``__dict__``."""

    def __init__(self, *values: object) -> None:
        for number, value in enumerate(values):
            setattr(self, f"attribute_{number}", value)

    def method(self) -> object:
        return self


class Slotted:
    __slots__ = ("__weakref__", "empty", "left", "right")

    def __init__(self, left: object, right: object) -> None:
        self.left = left
        self.right = right


class SlottedChild(Slotted):
    __slots__ = ("own",)


class SlottedWithDict(Slotted):
    pass


class ListChild(list[object]):
    pass


class DictChild(dict[object, object]):
    __slots__ = ("own",)


class DictWithDict(dict[object, object]):
    pass


class TupleChild(tuple[object, ...]):
    pass


class SetChild(set[object]):
    pass


class IntChild(int):
    pass


class StrChild(str):
    pass


class StrBare(str):
    __slots__ = ()


class BytesChild(bytes):
    pass


class FloatChild(float):
    pass


class Sized:
    """Reports its own size, which the walk cannot know without running it."""

    def __sizeof__(self) -> int:
        return 4000


class Meta(type):
    pass


class Point(typing.NamedTuple):
    x: object
    y: object


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Record:
    name: object
    items: list[object] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenRecord:
    name: object
