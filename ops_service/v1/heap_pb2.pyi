from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ops_service.v1 import heap_graph_pb2 as _heap_graph_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HeapSummaryOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEAP_SUMMARY_ORDER_UNSPECIFIED: _ClassVar[HeapSummaryOrder]
    HEAP_SUMMARY_ORDER_SIZE: _ClassVar[HeapSummaryOrder]
    HEAP_SUMMARY_ORDER_COUNT: _ClassVar[HeapSummaryOrder]

class CensusMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CENSUS_METHOD_UNSPECIFIED: _ClassVar[CensusMethod]
    CENSUS_METHOD_FORKED_WALK: _ClassVar[CensusMethod]
    CENSUS_METHOD_OBJGRAPH: _ClassVar[CensusMethod]
HEAP_SUMMARY_ORDER_UNSPECIFIED: HeapSummaryOrder
HEAP_SUMMARY_ORDER_SIZE: HeapSummaryOrder
HEAP_SUMMARY_ORDER_COUNT: HeapSummaryOrder
CENSUS_METHOD_UNSPECIFIED: CensusMethod
CENSUS_METHOD_FORKED_WALK: CensusMethod
CENSUS_METHOD_OBJGRAPH: CensusMethod

class CaptureHeapSnapshotRequest(_message.Message):
    __slots__ = ("instance_id", "content_level", "gc_moment", "gc_wait_limit", "max_objects", "content_limit", "hash_strings", "store")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_LEVEL_FIELD_NUMBER: _ClassVar[int]
    GC_MOMENT_FIELD_NUMBER: _ClassVar[int]
    GC_WAIT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    HASH_STRINGS_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    content_level: _heap_graph_pb2.ContentLevel
    gc_moment: _heap_graph_pb2.GcMoment
    gc_wait_limit: _duration_pb2.Duration
    max_objects: int
    content_limit: int
    hash_strings: bool
    store: bool
    def __init__(self, instance_id: _Optional[str] = ..., content_level: _Optional[_Union[_heap_graph_pb2.ContentLevel, str]] = ..., gc_moment: _Optional[_Union[_heap_graph_pb2.GcMoment, str]] = ..., gc_wait_limit: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., max_objects: _Optional[int] = ..., content_limit: _Optional[int] = ..., hash_strings: bool = ..., store: bool = ...) -> None: ...

class SummarizeHeapRequest(_message.Message):
    __slots__ = ("instance_id", "limit", "order", "allow_pause", "include_ops_service")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PAUSE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_OPS_SERVICE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    limit: int
    order: HeapSummaryOrder
    allow_pause: bool
    include_ops_service: bool
    def __init__(self, instance_id: _Optional[str] = ..., limit: _Optional[int] = ..., order: _Optional[_Union[HeapSummaryOrder, str]] = ..., allow_pause: bool = ..., include_ops_service: bool = ...) -> None: ...

class SummarizeHeapResponse(_message.Message):
    __slots__ = ("process", "capture_time", "method", "types", "type_count", "object_count", "total_size", "clone_pause", "warnings")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    TYPE_COUNT_FIELD_NUMBER: _ClassVar[int]
    OBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    CLONE_PAUSE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    capture_time: _timestamp_pb2.Timestamp
    method: CensusMethod
    types: _containers.RepeatedCompositeFieldContainer[HeapTypeSummary]
    type_count: int
    object_count: int
    total_size: int
    clone_pause: _duration_pb2.Duration
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., capture_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., method: _Optional[_Union[CensusMethod, str]] = ..., types: _Optional[_Iterable[_Union[HeapTypeSummary, _Mapping]]] = ..., type_count: _Optional[int] = ..., object_count: _Optional[int] = ..., total_size: _Optional[int] = ..., clone_pause: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class HeapTypeSummary(_message.Message):
    __slots__ = ("type_name", "count", "total_size", "size_estimated", "extra_size")
    TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    SIZE_ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    EXTRA_SIZE_FIELD_NUMBER: _ClassVar[int]
    type_name: str
    count: int
    total_size: int
    size_estimated: bool
    extra_size: int
    def __init__(self, type_name: _Optional[str] = ..., count: _Optional[int] = ..., total_size: _Optional[int] = ..., size_estimated: bool = ..., extra_size: _Optional[int] = ...) -> None: ...
