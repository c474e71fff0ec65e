"""Runs in the host: objects of packages that real hosts use, kept alive."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

COUNT = 200


class Kept:
    """Holds a list for each kind, as the attribute of that name."""


KEPT = Kept()


def arrays(number: int) -> object:
    import numpy

    return numpy.arange(number + 1, dtype=numpy.int64)


def array_views(number: int) -> object:
    import numpy

    return numpy.arange(number + 1, dtype=numpy.int64)[1:]


def array_scalars(number: int) -> object:
    import numpy

    return numpy.float64(number)


def data_frames(number: int) -> object:
    import pandas

    return pandas.DataFrame({"number": range(number), "name": [f"row {n}" for n in range(number)]})


def timestamps(number: int) -> object:
    import pandas

    return pandas.Timestamp(number, unit="s")


def polars_frames(number: int) -> object:
    import polars

    return polars.DataFrame({"number": list(range(number))})


def elements(number: int) -> object:
    from lxml import etree

    element = etree.Element("order", number=str(number))
    element.text = f"order {number}"
    return element


def frozen_lists(number: int) -> object:
    from frozenlist import FrozenList

    return FrozenList(range(number))


def clauses(number: int) -> object:
    import sqlalchemy

    table = sqlalchemy.table("orders", sqlalchemy.column("number"))
    return sqlalchemy.select(table).where(table.c.number == number)


def models(number: int) -> object:
    return model()(number=number, name=f"order {number}")


def model() -> Any:
    import pydantic

    global Order
    if "Order" not in globals():

        class Order(pydantic.BaseModel):
            number: int
            name: str

    return Order


def query_sets(number: int) -> object:
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"])
        django.setup()
    from django.contrib.auth.models import User

    return User.objects.filter(pk=number)


def messages(number: int) -> object:
    from google.protobuf.struct_pb2 import Struct

    message = Struct()
    message["number"] = number
    return message


def keys(number: int) -> object:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return ed25519.Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


KINDS: dict[str, Callable[[int], object]] = {
    kind.__name__: kind
    for kind in (
        arrays,
        array_views,
        array_scalars,
        data_frames,
        timestamps,
        polars_frames,
        elements,
        frozen_lists,
        clauses,
        models,
        query_sets,
        messages,
        keys,
    )
}


def plant() -> dict[str, Any]:
    """Make objects of every kind.

    Returns:
        For each kind: the qualified name of its type, the number of objects, the sum of
        their sizes by sys.getsizeof, and the least size of so many. Or the reason why
        there are none.
    """
    planted: dict[str, Any] = {}
    for name, make in KINDS.items():
        try:
            things = [make(number) for number in range(COUNT)]
        except ImportError as error:
            planted[name] = {"missing": str(error)}
            continue
        setattr(KEPT, name, things)
        kind = type(things[0])
        planted[name] = {
            "type": f"{kind.__module__}.{kind.__qualname__}",
            "count": len(things),
            "size": sum(map(sys.getsizeof, things)),
            "least": kind.__basicsize__ * len(things),
        }
    return planted
