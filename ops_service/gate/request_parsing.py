"""Parses the bytes of a request into a message that is safe to act on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import Error, MessageToDict
from google.protobuf.message import Message

from ops_service.errors import InvalidRequest

# A request may be 2 MiB, and its record goes to disk. Source is kept in full.
_TEXT_LIMIT = 4096


def parse_request(deserialize: Callable[[bytes], Message], data: bytes) -> Message:
    """Parse a request and refuse enum values that the contract does not define.

    Raises:
        InvalidRequest: The bytes are not such a message, or hold an unknown value.
    """
    try:
        message = deserialize(data)
    except Exception as error:
        raise InvalidRequest(
            "The request could not be parsed; send the method's request message, with "
            "strings in UTF-8."
        ) from error
    _refuse_unknown_enum_values(message)
    return message


def _refuse_unknown_enum_values(message: Message) -> None:
    # The recursion is as deep as the parser lets messages nest.
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in _messages(value):
                _refuse_unknown_enum_values(inner)
        if field.type != FieldDescriptor.TYPE_ENUM or field.enum_type is None:
            continue
        values = value if hasattr(value, "__iter__") else [value]
        for number in values:
            if number not in field.enum_type.values_by_number:
                names = ", ".join(v.name for v in field.enum_type.values)
                raise InvalidRequest(
                    f"{field.name} is {number}, which this server does not know; choose "
                    f"from {names}.",
                    details={"field": field.name},
                )


def _messages(value: Any) -> list[Message]:
    """The messages in a field: itself, or the items of a list or the values of a map."""
    if isinstance(value, Message):
        return [value]
    values = value.values() if hasattr(value, "values") else value
    return [each for each in values if isinstance(each, Message)]


def describe_request(message: Message) -> dict[str, Any]:
    """The request as plain data, for the audit record. Long texts are cut, except source.

    Raises:
        InvalidRequest: A field is out of the range of its type.
    """
    try:
        described = MessageToDict(message, preserving_proto_field_name=True)
    except (Error, ValueError, OverflowError, TypeError) as error:
        raise InvalidRequest(
            "The request holds a duration or time that is out of range."
        ) from error
    return {name: value if name == "source" else _cut(value) for name, value in described.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _TEXT_LIMIT:
        digest = hashlib.sha256(value.encode()).hexdigest()
        return f"{value[:_TEXT_LIMIT]}… ({len(value)} characters, SHA-256 {digest})"
    if isinstance(value, dict):
        return {_cut(key): _cut(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_cut(each) for each in value]
    return value


def hash_source(message: Message) -> dict[str, str]:
    """The hash of a request's source, for the audit record. Empty without source."""
    source = getattr(message, "source", None)
    if not isinstance(source, str):
        return {}
    return {"source_sha256": hashlib.sha256(source.encode()).hexdigest()}
