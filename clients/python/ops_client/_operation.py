"""How a run of an operation ended, and what it told on its way."""

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
    """What it told of its progress, in order."""
    result: operations_pb2.OperationResult
    """Its outcome, and its value where that is plain data."""

    @property
    def value(self) -> Any:
        """What it returned, as Python's own types. None if that is not told."""
        return plain_value(self.result.value) if self.result.HasField("value") else None


def plain_value(value: struct_pb2.Value) -> Any:
    """A Value as Python's own types. Whole numbers are int."""
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
