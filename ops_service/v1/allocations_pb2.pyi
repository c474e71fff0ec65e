from google.protobuf import duration_pb2 as _duration_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TraceAllocationsRequest(_message.Message):
    __slots__ = ("instance_id", "duration", "frame_limit", "limit", "memory_limit", "include_ops_service")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    FRAME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_OPS_SERVICE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    duration: _duration_pb2.Duration
    frame_limit: int
    limit: int
    memory_limit: int
    include_ops_service: bool
    def __init__(self, instance_id: _Optional[str] = ..., duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., frame_limit: _Optional[int] = ..., limit: _Optional[int] = ..., memory_limit: _Optional[int] = ..., include_ops_service: bool = ...) -> None: ...

class TraceAllocationsResponse(_message.Message):
    __slots__ = ("header", "progress", "site", "trailer")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    SITE_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    header: AllocationTraceHeader
    progress: AllocationTraceProgress
    site: TracedSite
    trailer: AllocationTraceTrailer
    def __init__(self, header: _Optional[_Union[AllocationTraceHeader, _Mapping]] = ..., progress: _Optional[_Union[AllocationTraceProgress, _Mapping]] = ..., site: _Optional[_Union[TracedSite, _Mapping]] = ..., trailer: _Optional[_Union[AllocationTraceTrailer, _Mapping]] = ...) -> None: ...

class AllocationTraceHeader(_message.Message):
    __slots__ = ("process", "duration", "frame_limit", "already_tracing")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    FRAME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    ALREADY_TRACING_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    duration: _duration_pb2.Duration
    frame_limit: int
    already_tracing: bool
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., frame_limit: _Optional[int] = ..., already_tracing: bool = ...) -> None: ...

class AllocationTraceProgress(_message.Message):
    __slots__ = ("elapsed", "traced_bytes", "tracer_bytes")
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    TRACED_BYTES_FIELD_NUMBER: _ClassVar[int]
    TRACER_BYTES_FIELD_NUMBER: _ClassVar[int]
    elapsed: _duration_pb2.Duration
    traced_bytes: int
    tracer_bytes: int
    def __init__(self, elapsed: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., traced_bytes: _Optional[int] = ..., tracer_bytes: _Optional[int] = ...) -> None: ...

class TracedSite(_message.Message):
    __slots__ = ("frames", "size", "count", "size_difference", "count_difference")
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SIZE_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    COUNT_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[TracedFrame]
    size: int
    count: int
    size_difference: int
    count_difference: int
    def __init__(self, frames: _Optional[_Iterable[_Union[TracedFrame, _Mapping]]] = ..., size: _Optional[int] = ..., count: _Optional[int] = ..., size_difference: _Optional[int] = ..., count_difference: _Optional[int] = ...) -> None: ...

class TracedFrame(_message.Message):
    __slots__ = ("file", "line")
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    file: str
    line: int
    def __init__(self, file: _Optional[str] = ..., line: _Optional[int] = ...) -> None: ...

class AllocationTraceTrailer(_message.Message):
    __slots__ = ("elapsed", "traced_bytes", "peak_bytes", "tracer_bytes", "site_count", "pauses", "still_tracing", "warnings")
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    TRACED_BYTES_FIELD_NUMBER: _ClassVar[int]
    PEAK_BYTES_FIELD_NUMBER: _ClassVar[int]
    TRACER_BYTES_FIELD_NUMBER: _ClassVar[int]
    SITE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PAUSES_FIELD_NUMBER: _ClassVar[int]
    STILL_TRACING_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    elapsed: _duration_pb2.Duration
    traced_bytes: int
    peak_bytes: int
    tracer_bytes: int
    site_count: int
    pauses: _containers.RepeatedCompositeFieldContainer[_duration_pb2.Duration]
    still_tracing: bool
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, elapsed: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., traced_bytes: _Optional[int] = ..., peak_bytes: _Optional[int] = ..., tracer_bytes: _Optional[int] = ..., site_count: _Optional[int] = ..., pauses: _Optional[_Iterable[_Union[_duration_pb2.Duration, _Mapping]]] = ..., still_tracing: bool = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...
