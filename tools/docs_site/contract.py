"""The contract's methods and messages with their comments, from the committed descriptors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

import ops_service
from ops_service.v1 import annotations_pb2

_PACKAGE = "ops_service.v1."
_DESCRIPTORS = Path(ops_service.__file__).parent / "v1/descriptor_set.binpb"
# Numbers of fields in descriptor.proto, of which a comment's path is made.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_FIELDS, _NESTED, _NESTED_ENUMS, _VALUES, _METHODS = 2, 3, 4, 2, 2


@dataclass(frozen=True)
class Method:
    """One method of the service."""

    name: str
    text: str
    """What it does."""
    caller: str
    """Who may call it, in words."""
    cost: str
    """What it costs the host."""
    capability: str
    request: str
    response: str
    streams_requests: bool
    streams_responses: bool


@dataclass(frozen=True)
class Field:
    """A field of a message, or a value of an enumeration."""

    name: str
    type: str
    number: int
    text: str


@dataclass(frozen=True)
class Message:
    """A message, or an enumeration."""

    name: str
    text: str
    is_enum: bool
    fields: tuple[Field, ...]


def _files() -> list[descriptor_pb2.FileDescriptorProto]:
    whole = descriptor_pb2.FileDescriptorSet.FromString(_DESCRIPTORS.read_bytes())
    return [file for file in whole.file if file.package == _PACKAGE.rstrip(".")]


def _comments(file: descriptor_pb2.FileDescriptorProto) -> dict[tuple[int, ...], str]:
    return {
        tuple(each.path): " ".join(each.leading_comments.split())
        for each in file.source_code_info.location
        if each.leading_comments
    }


def read_methods() -> list[Method]:
    """All methods, in the order of the contract."""
    found = []
    for file in _files():
        comments = _comments(file)
        for number, service in enumerate(file.service):
            for index, method in enumerate(service.method):
                comment = comments[_SERVICES, number, _METHODS, index]
                text, _, rest = comment.partition(" Caller: ")
                caller, _, cost = rest.partition(" Cost to the host: ")
                extensions: Any = method.options.Extensions
                option = extensions[annotations_pb2.required_capability]
                found.append(
                    Method(
                        name=method.name,
                        text=text,
                        caller=caller,
                        cost=cost,
                        capability=annotations_pb2.Capability.Name(option).removeprefix(
                            "CAPABILITY_"
                        ),
                        request=method.input_type.rpartition(".")[2],
                        response=method.output_type.rpartition(".")[2],
                        streams_requests=method.client_streaming,
                        streams_responses=method.server_streaming,
                    )
                )
    return found


def _type(field: descriptor_pb2.FieldDescriptorProto) -> str:
    kinds = descriptor_pb2.FieldDescriptorProto
    name = field.type_name.lstrip(".").removeprefix(_PACKAGE)
    if not name:
        name = kinds.Type.Name(field.type).removeprefix("TYPE_").lower()
    return f"repeated {name}" if field.label == kinds.LABEL_REPEATED else name


def _message(
    message: descriptor_pb2.DescriptorProto,
    prefix: str,
    path: tuple[int, ...],
    comments: dict[tuple[int, ...], str],
) -> Iterator[Message]:
    name = prefix + message.name
    fields = tuple(
        Field(each.name, _type(each), each.number, comments.get((*path, _FIELDS, index), ""))
        for index, each in enumerate(message.field)
    )
    yield Message(name, comments.get(path, ""), False, fields)
    for index, nested in enumerate(message.nested_type):
        yield from _message(nested, f"{name}.", (*path, _NESTED, index), comments)
    for index, enum in enumerate(message.enum_type):
        yield _enum(enum, f"{name}.", (*path, _NESTED_ENUMS, index), comments)


def _enum(
    enum: descriptor_pb2.EnumDescriptorProto,
    prefix: str,
    path: tuple[int, ...],
    comments: dict[tuple[int, ...], str],
) -> Message:
    fields = tuple(
        Field(each.name, "", each.number, comments.get((*path, _VALUES, index), ""))
        for index, each in enumerate(enum.value)
    )
    return Message(prefix + enum.name, comments.get(path, ""), True, fields)


def read_messages() -> list[tuple[str, list[Message]]]:
    """The messages and enumerations of each file of the contract."""
    found = []
    for file in sorted(_files(), key=lambda each: each.name):
        comments = _comments(file)
        messages: list[Message] = []
        for index, message in enumerate(file.message_type):
            messages += _message(message, "", (_MESSAGES, index), comments)
        for index, enum in enumerate(file.enum_type):
            messages.append(_enum(enum, "", (_ENUMS, index), comments))
        if messages:
            found.append((file.name, messages))
    return found
