"""The progress and the result of an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2

from ops_service.v1 import operations_pb2


@dataclass(frozen=True, slots=True)
class OperationRun:
    """A run that ended, or that the server stopped waiting for."""

    header: operations_pb2.OperationHeader
    progress: tuple[operations_pb2.OperationProgress, ...]
    """Its progress reports, in order."""
    result: operations_pb2.OperationResult
    """Its outcome, and its value if that is plain data."""

    @property
    def value(self) -> Any:
        """The return value, as Python's built-in types. None if the server did not send it."""
        return plain_value(self.result.value) if self.result.HasField("value") else None


def plain_value(value: struct_pb2.Value) -> Any:
    """Convert a Value to Python's built-in types. Whole numbers become int."""
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [plain_value(each) for each in value.list_value.values]
        case "struct_value":
            return {name: plain_value(each) for name, each in value.struct_value.fields.items()}
    return None
