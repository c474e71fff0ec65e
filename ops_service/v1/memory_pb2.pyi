from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PartState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PART_STATE_UNSPECIFIED: _ClassVar[PartState]
    PART_STATE_KNOWN: _ClassVar[PartState]
    PART_STATE_UNKNOWN: _ClassVar[PartState]

class ObjectKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBJECT_KIND_UNSPECIFIED: _ClassVar[ObjectKind]
    OBJECT_KIND_TEXT_AND_BYTES: _ClassVar[ObjectKind]
    OBJECT_KIND_CONTAINER: _ClassVar[ObjectKind]
    OBJECT_KIND_NUMBER: _ClassVar[ObjectKind]
    OBJECT_KIND_CODE: _ClassVar[ObjectKind]
    OBJECT_KIND_TYPE_AND_MODULE: _ClassVar[ObjectKind]
    OBJECT_KIND_INSTANCE: _ClassVar[ObjectKind]
    OBJECT_KIND_ARRAY_AND_BUFFER: _ClassVar[ObjectKind]
    OBJECT_KIND_OTHER: _ClassVar[ObjectKind]

class TrimOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRIM_OUTCOME_UNSPECIFIED: _ClassVar[TrimOutcome]
    TRIM_OUTCOME_RELEASED: _ClassVar[TrimOutcome]
    TRIM_OUTCOME_NOTHING_TO_RELEASE: _ClassVar[TrimOutcome]
    TRIM_OUTCOME_UNSUPPORTED: _ClassVar[TrimOutcome]
PART_STATE_UNSPECIFIED: PartState
PART_STATE_KNOWN: PartState
PART_STATE_UNKNOWN: PartState
OBJECT_KIND_UNSPECIFIED: ObjectKind
OBJECT_KIND_TEXT_AND_BYTES: ObjectKind
OBJECT_KIND_CONTAINER: ObjectKind
OBJECT_KIND_NUMBER: ObjectKind
OBJECT_KIND_CODE: ObjectKind
OBJECT_KIND_TYPE_AND_MODULE: ObjectKind
OBJECT_KIND_INSTANCE: ObjectKind
OBJECT_KIND_ARRAY_AND_BUFFER: ObjectKind
OBJECT_KIND_OTHER: ObjectKind
TRIM_OUTCOME_UNSPECIFIED: TrimOutcome
TRIM_OUTCOME_RELEASED: TrimOutcome
TRIM_OUTCOME_NOTHING_TO_RELEASE: TrimOutcome
TRIM_OUTCOME_UNSUPPORTED: TrimOutcome

class GetMemoryRequest(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class GetMemoryResponse(_message.Message):
    __slots__ = ("process", "read_time", "parts", "live_objects")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    READ_TIME_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    LIVE_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    read_time: _timestamp_pb2.Timestamp
    parts: MemoryParts
    live_objects: LiveObjects
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., read_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., parts: _Optional[_Union[MemoryParts, _Mapping]] = ..., live_objects: _Optional[_Union[LiveObjects, _Mapping]] = ...) -> None: ...

class MemoryParts(_message.Message):
    __slots__ = ("resident", "anonymous", "file_backed", "shared", "swapped", "python_in_use", "python_free", "malloc_in_use", "malloc_free", "unaccounted", "not_resident")
    RESIDENT_FIELD_NUMBER: _ClassVar[int]
    ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    FILE_BACKED_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    SWAPPED_FIELD_NUMBER: _ClassVar[int]
    PYTHON_IN_USE_FIELD_NUMBER: _ClassVar[int]
    PYTHON_FREE_FIELD_NUMBER: _ClassVar[int]
    MALLOC_IN_USE_FIELD_NUMBER: _ClassVar[int]
    MALLOC_FREE_FIELD_NUMBER: _ClassVar[int]
    UNACCOUNTED_FIELD_NUMBER: _ClassVar[int]
    NOT_RESIDENT_FIELD_NUMBER: _ClassVar[int]
    resident: MemoryPart
    anonymous: MemoryPart
    file_backed: MemoryPart
    shared: MemoryPart
    swapped: MemoryPart
    python_in_use: MemoryPart
    python_free: MemoryPart
    malloc_in_use: MemoryPart
    malloc_free: MemoryPart
    unaccounted: MemoryPart
    not_resident: MemoryPart
    def __init__(self, resident: _Optional[_Union[MemoryPart, _Mapping]] = ..., anonymous: _Optional[_Union[MemoryPart, _Mapping]] = ..., file_backed: _Optional[_Union[MemoryPart, _Mapping]] = ..., shared: _Optional[_Union[MemoryPart, _Mapping]] = ..., swapped: _Optional[_Union[MemoryPart, _Mapping]] = ..., python_in_use: _Optional[_Union[MemoryPart, _Mapping]] = ..., python_free: _Optional[_Union[MemoryPart, _Mapping]] = ..., malloc_in_use: _Optional[_Union[MemoryPart, _Mapping]] = ..., malloc_free: _Optional[_Union[MemoryPart, _Mapping]] = ..., unaccounted: _Optional[_Union[MemoryPart, _Mapping]] = ..., not_resident: _Optional[_Union[MemoryPart, _Mapping]] = ...) -> None: ...

class MemoryPart(_message.Message):
    __slots__ = ("state", "bytes", "reason")
    STATE_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    state: PartState
    bytes: int
    reason: str
    def __init__(self, state: _Optional[_Union[PartState, str]] = ..., bytes: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class LiveObjects(_message.Message):
    __slots__ = ("state", "reason", "kinds", "object_count", "total_size", "extra_size", "clone_pause", "warnings")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    OBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    EXTRA_SIZE_FIELD_NUMBER: _ClassVar[int]
    CLONE_PAUSE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    state: PartState
    reason: str
    kinds: _containers.RepeatedCompositeFieldContainer[ObjectKindSummary]
    object_count: int
    total_size: int
    extra_size: int
    clone_pause: _duration_pb2.Duration
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, state: _Optional[_Union[PartState, str]] = ..., reason: _Optional[str] = ..., kinds: _Optional[_Iterable[_Union[ObjectKindSummary, _Mapping]]] = ..., object_count: _Optional[int] = ..., total_size: _Optional[int] = ..., extra_size: _Optional[int] = ..., clone_pause: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class ObjectKindSummary(_message.Message):
    __slots__ = ("kind", "count", "total_size", "extra_size", "size_estimated")
    KIND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    EXTRA_SIZE_FIELD_NUMBER: _ClassVar[int]
    SIZE_ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    kind: ObjectKind
    count: int
    total_size: int
    extra_size: int
    size_estimated: bool
    def __init__(self, kind: _Optional[_Union[ObjectKind, str]] = ..., count: _Optional[int] = ..., total_size: _Optional[int] = ..., extra_size: _Optional[int] = ..., size_estimated: bool = ...) -> None: ...

class ReclaimMemoryRequest(_message.Message):
    __slots__ = ("instance_id", "collect", "trim")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    COLLECT_FIELD_NUMBER: _ClassVar[int]
    TRIM_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    collect: bool
    trim: bool
    def __init__(self, instance_id: _Optional[str] = ..., collect: bool = ..., trim: bool = ...) -> None: ...

class ReclaimMemoryResponse(_message.Message):
    __slots__ = ("process", "before", "after", "collection", "trim")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    TRIM_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    before: MemoryParts
    after: MemoryParts
    collection: CollectionResult
    trim: TrimResult
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., before: _Optional[_Union[MemoryParts, _Mapping]] = ..., after: _Optional[_Union[MemoryParts, _Mapping]] = ..., collection: _Optional[_Union[CollectionResult, _Mapping]] = ..., trim: _Optional[_Union[TrimResult, _Mapping]] = ...) -> None: ...

class CollectionResult(_message.Message):
    __slots__ = ("unreachable_count", "pause")
    UNREACHABLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    unreachable_count: int
    pause: _duration_pb2.Duration
    def __init__(self, unreachable_count: _Optional[int] = ..., pause: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TrimResult(_message.Message):
    __slots__ = ("outcome", "reason", "elapsed")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    outcome: TrimOutcome
    reason: str
    elapsed: _duration_pb2.Duration
    def __init__(self, outcome: _Optional[_Union[TrimOutcome, str]] = ..., reason: _Optional[str] = ..., elapsed: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...
