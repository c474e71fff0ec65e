"""Random calls, made from the descriptors of all services: each from a number alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from ops_service.v1 import maintenance_service_pb2

_SERVICES = (
    maintenance_service_pb2.DESCRIPTOR.services_by_name["MaintenanceService"],
    health_pb2.DESCRIPTOR.services_by_name["Health"],
    reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"],
)
# Our own methods more often than those of other services.
METHODS: list[MethodDescriptor] = [
    *3 * list(_SERVICES[0].methods),
    *_SERVICES[1].methods,
    *_SERVICES[2].methods,
]

# Texts that the host knows, and texts that nobody knows.
_TEXTS = (
    "",
    "\0",
    "x" * 5000,
    "\u2028",
    "\U0001f40d",
    "../../etc/passwd",
    "%s%n{0}",
    "-1",
    "app",
    "root",
    "shop",
    "shop.add",
    "shop.wait",
    "shop.fail",
    "DEBUG",
    "dict",
    "ops_service.v1.MaintenanceService",
    "1 + 1",
    "print('x' * 100)",
    "def f(:",
    "raise SystemExit(3)",
    "while True: pass",
    "import asyncio; await asyncio.sleep(9)",
    "[[i] for i in range(10_000)]",
    "().__class__.__base__.__subclasses__()",
    "raise ExceptionGroup('a', [ValueError(), KeyboardInterrupt()])",
)
_NUMBERS = (0, 1, 2, 7, 100, 127, 128, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
_REALS = (0.0, -0.0, 1.0, 0.01, -1.0, 1e300, float("inf"), float("nan"))
_DEPTH = 4


@dataclass(frozen=True)
class FuzzedCall:
    """The messages of a call, and the caller's behaviour."""

    number: int
    path: str
    messages: tuple[bytes, ...]
    metadata: tuple[tuple[str, str | bytes], ...]
    timeout: float
    """Seconds until the caller silently gives up."""
    read: int
    """How many reply messages the caller reads before it cancels. -1 for all."""


def call(number: int, instance_id: str = "") -> FuzzedCall:
    """The call of this number.

    Args:
        instance_id: Of the process. Some requests pin it.
    """
    chance = random.Random(number)
    method = chance.choice(METHODS)
    path = f"/{method.containing_service.full_name}/{method.name}"
    count = chance.choice((1, 1, 1, 1, 0, 2)) + method.client_streaming * chance.randrange(4)
    messages = tuple(_bytes(method, chance, instance_id) for _ in range(count))
    return FuzzedCall(
        number,
        _path(path, chance),
        messages,
        tuple(_metadata(chance)),
        chance.choice((0.02, 0.1, 0.5, 1.0)),
        chance.choice((-1, -1, -1, 0, 1, 3)),
    )


def _path(path: str, chance: random.Random) -> str:
    if chance.random() < 0.95:
        return path
    return chance.choice((path.lower(), path + "x", path[:-1], "/", "//", path.replace(".", "/")))


def _metadata(chance: random.Random) -> Iterator[tuple[str, str | bytes]]:
    if chance.random() < 0.1:
        for each in range(chance.choice((1, 5, 100))):
            yield f"x-{each}", "v" * chance.choice((0, 10, 200))
    if chance.random() < 0.05:
        yield "x-odd-bin", chance.randbytes(chance.choice((0, 1, 300)))
    if chance.random() < 0.05:
        yield "x-forwarded-client-cert", "URI=spiffe://test.example/admin"


def _bytes(method: MethodDescriptor, chance: random.Random, instance_id: str) -> bytes:
    kind = method.input_type
    if chance.random() < 0.05:
        kind = chance.choice(METHODS).input_type
    message = message_factory.GetMessageClass(kind)()
    _fill(message, chance, _DEPTH)
    if "instance_id" in kind.fields_by_name and chance.random() < 0.9:
        # Otherwise every call would be refused because it pins another process.
        setattr(message, "instance_id", chance.choice(("", instance_id)))  # noqa: B010
    data: bytes = message.SerializeToString()
    if chance.random() < 0.6:
        return data
    return damaged(data, chance)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Changed, cut, doubled or replaced bytes."""
    place = chance.randrange(len(data) + 1)
    match chance.randrange(6):
        case 0:
            return chance.randbytes(chance.choice((0, 1, 10, 1000)))
        case 1:
            return data[:place]
        case 2:
            return data[:place] + chance.randbytes(chance.choice((1, 4))) + data[place:]
        case 3 if data:
            place = chance.randrange(len(data))
            return (
                data[:place] + bytes((data[place] ^ 1 << chance.randrange(8),)) + data[place + 1 :]
            )
        case 4:
            return data * chance.choice((2, 50))
        case _:
            # Nested deeper than any reader accepts.
            for _ in range(chance.choice((10, 200))):
                data = b"\x12" + _length(len(data)) + data
            return data


def _length(value: int) -> bytes:
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*result, value))


def _fill(message: Message, chance: random.Random, depth: int) -> None:
    for field in message.DESCRIPTOR.fields:
        if chance.random() < 0.5:
            continue
        count = chance.choice((1, 2, 20)) if field.is_repeated else 1
        for _ in range(count):
            _set(message, field, chance, depth)


def _set(message: Message, field: FieldDescriptor, chance: random.Random, depth: int) -> None:
    target: Any = getattr(message, field.name)
    if field.message_type is not None:
        if not depth:
            return
        if field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            if value.message_type is not None:
                _fill(target[chance.choice(_TEXTS)], chance, depth - 1)
            return
        nested = target.add() if field.is_repeated else target
        nested.SetInParent()
        if field.message_type.full_name == "google.protobuf.Duration" and chance.random() < 0.7:
            # A valid duration: otherwise no call with a duration would ever begin.
            nested.nanos = chance.choice((1, 10**7, 10**8, 5 * 10**8))
            nested.seconds = chance.choice((0, 0, 1, 30))
            return
        _fill(nested, chance, depth - 1)
        return
    value = _value(field, chance)
    try:
        if field.is_repeated:
            target.append(value)
        else:
            setattr(message, field.name, value)
    except (ValueError, TypeError):
        # Out of the field's range.
        return


def _value(field: FieldDescriptor, chance: random.Random) -> object:
    if field.enum_type is not None:
        return chance.choice((*(each.number for each in field.enum_type.values), 99, -1))
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            text = chance.choice(_TEXTS)
            return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
        case FieldDescriptor.CPPTYPE_BOOL:
            return chance.random() < 0.5
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return chance.choice(_REALS)
        case _:
            return chance.choice((*_NUMBERS, -1, -(2**31), chance.randrange(100)))
