"""Converts memory figures to messages of the contract."""

from __future__ import annotations

from dataclasses import fields

from ops_service.errors import OpsServiceError
from ops_service.heap.model import Census
from ops_service.messages.basics import duration
from ops_service.process.kinds import ObjectKind, sum_kinds
from ops_service.process.memory import Memory, Part
from ops_service.process.reclaim import Collection, Trim
from ops_service.v1 import memory_pb2

_KINDS: dict[ObjectKind, memory_pb2.ObjectKind] = {
    ObjectKind.TEXT_AND_BYTES: memory_pb2.OBJECT_KIND_TEXT_AND_BYTES,
    ObjectKind.CONTAINER: memory_pb2.OBJECT_KIND_CONTAINER,
    ObjectKind.NUMBER: memory_pb2.OBJECT_KIND_NUMBER,
    ObjectKind.CODE: memory_pb2.OBJECT_KIND_CODE,
    ObjectKind.TYPE_AND_MODULE: memory_pb2.OBJECT_KIND_TYPE_AND_MODULE,
    ObjectKind.INSTANCE: memory_pb2.OBJECT_KIND_INSTANCE,
    ObjectKind.ARRAY_AND_BUFFER: memory_pb2.OBJECT_KIND_ARRAY_AND_BUFFER,
    ObjectKind.OTHER: memory_pb2.OBJECT_KIND_OTHER,
}

_OUTCOMES: dict[bool | None, memory_pb2.TrimOutcome] = {
    True: memory_pb2.TRIM_OUTCOME_RELEASED,
    False: memory_pb2.TRIM_OUTCOME_NOTHING_TO_RELEASE,
    None: memory_pb2.TRIM_OUTCOME_UNSUPPORTED,
}


def memory_parts(memory: Memory) -> memory_pb2.MemoryParts:
    """The parts of the memory. Fields have the same names on both sides."""
    return memory_pb2.MemoryParts(
        **{field.name: _part(getattr(memory, field.name)) for field in fields(Memory)}
    )


def live_objects(census: Census | OpsServiceError) -> memory_pb2.LiveObjects:
    """Live objects by kind, or why they could not be counted."""
    if isinstance(census, OpsServiceError):
        return memory_pb2.LiveObjects(state=memory_pb2.PART_STATE_UNKNOWN, reason=str(census))
    kinds = sum_kinds(census.all_types())
    return memory_pb2.LiveObjects(
        state=memory_pb2.PART_STATE_KNOWN,
        kinds=[
            memory_pb2.ObjectKindSummary(
                kind=_KINDS[each.kind],
                count=each.count,
                total_size=each.total_size,
                extra_size=each.extra_size,
                size_estimated=each.size_estimated,
            )
            for each in kinds
        ],
        object_count=sum(each.count for each in kinds),
        total_size=sum(each.total_size for each in kinds),
        extra_size=sum(each.extra_size for each in kinds),
        clone_pause=duration(census.pause),
        warnings=census.warnings,
    )


def collection_result(collection: Collection) -> memory_pb2.CollectionResult:
    """The result of a collection."""
    return memory_pb2.CollectionResult(
        unreachable_count=collection.unreachable_count, pause=duration(collection.pause)
    )


def trim_result(trim: Trim) -> memory_pb2.TrimResult:
    """The result of a trim."""
    message = memory_pb2.TrimResult(outcome=_OUTCOMES[trim.released], reason=trim.reason)
    if trim.released is not None:
        message.elapsed.CopyFrom(duration(trim.elapsed))
    return message


def _part(part: Part) -> memory_pb2.MemoryPart:
    if part.bytes is None:
        return memory_pb2.MemoryPart(state=memory_pb2.PART_STATE_UNKNOWN, reason=part.reason)
    return memory_pb2.MemoryPart(state=memory_pb2.PART_STATE_KNOWN, bytes=part.bytes)
