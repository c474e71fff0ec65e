from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ops_service.v1 import heap_pb2 as _heap_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HeapGrowthVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEAP_GROWTH_VERDICT_UNSPECIFIED: _ClassVar[HeapGrowthVerdict]
    HEAP_GROWTH_VERDICT_INCONCLUSIVE: _ClassVar[HeapGrowthVerdict]
    HEAP_GROWTH_VERDICT_NO_LEAK: _ClassVar[HeapGrowthVerdict]
    HEAP_GROWTH_VERDICT_LEAK: _ClassVar[HeapGrowthVerdict]
    HEAP_GROWTH_VERDICT_OUTSIDE_PYTHON: _ClassVar[HeapGrowthVerdict]

class OutsidePart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTSIDE_PART_UNSPECIFIED: _ClassVar[OutsidePart]
    OUTSIDE_PART_UNKNOWN: _ClassVar[OutsidePart]
    OUTSIDE_PART_MALLOC: _ClassVar[OutsidePart]
    OUTSIDE_PART_PYTHON_BLOCKS: _ClassVar[OutsidePart]
    OUTSIDE_PART_ANONYMOUS: _ClassVar[OutsidePart]
    OUTSIDE_PART_FILE_BACKED: _ClassVar[OutsidePart]
    OUTSIDE_PART_SHARED: _ClassVar[OutsidePart]
HEAP_GROWTH_VERDICT_UNSPECIFIED: HeapGrowthVerdict
HEAP_GROWTH_VERDICT_INCONCLUSIVE: HeapGrowthVerdict
HEAP_GROWTH_VERDICT_NO_LEAK: HeapGrowthVerdict
HEAP_GROWTH_VERDICT_LEAK: HeapGrowthVerdict
HEAP_GROWTH_VERDICT_OUTSIDE_PYTHON: HeapGrowthVerdict
OUTSIDE_PART_UNSPECIFIED: OutsidePart
OUTSIDE_PART_UNKNOWN: OutsidePart
OUTSIDE_PART_MALLOC: OutsidePart
OUTSIDE_PART_PYTHON_BLOCKS: OutsidePart
OUTSIDE_PART_ANONYMOUS: OutsidePart
OUTSIDE_PART_FILE_BACKED: OutsidePart
OUTSIDE_PART_SHARED: OutsidePart

class WatchHeapGrowthRequest(_message.Message):
    __slots__ = ("instance_id", "interval", "duration", "limit", "allow_pause", "baseline_id", "keep_baseline")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PAUSE_FIELD_NUMBER: _ClassVar[int]
    BASELINE_ID_FIELD_NUMBER: _ClassVar[int]
    KEEP_BASELINE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    interval: _duration_pb2.Duration
    duration: _duration_pb2.Duration
    limit: int
    allow_pause: bool
    baseline_id: str
    keep_baseline: bool
    def __init__(self, instance_id: _Optional[str] = ..., interval: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., limit: _Optional[int] = ..., allow_pause: bool = ..., baseline_id: _Optional[str] = ..., keep_baseline: bool = ...) -> None: ...

class WatchHeapGrowthResponse(_message.Message):
    __slots__ = ("header", "report", "trailer")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    header: HeapGrowthHeader
    report: HeapGrowthReport
    trailer: HeapGrowthTrailer
    def __init__(self, header: _Optional[_Union[HeapGrowthHeader, _Mapping]] = ..., report: _Optional[_Union[HeapGrowthReport, _Mapping]] = ..., trailer: _Optional[_Union[HeapGrowthTrailer, _Mapping]] = ...) -> None: ...

class HeapGrowthHeader(_message.Message):
    __slots__ = ("process", "interval", "duration")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    interval: _duration_pb2.Duration
    duration: _duration_pb2.Duration
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., interval: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class HeapGrowthReport(_message.Message):
    __slots__ = ("sample_count", "sample_time", "verdict", "reason", "types", "object_count", "total_size", "resident_bytes", "clone_pause", "method", "missing", "suspects", "outside", "types_since_baseline", "baseline_time", "warnings", "suspects_since_baseline", "reason_since_baseline")
    SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_TIME_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    OBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    CLONE_PAUSE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    SUSPECTS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    TYPES_SINCE_BASELINE_FIELD_NUMBER: _ClassVar[int]
    BASELINE_TIME_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    SUSPECTS_SINCE_BASELINE_FIELD_NUMBER: _ClassVar[int]
    REASON_SINCE_BASELINE_FIELD_NUMBER: _ClassVar[int]
    sample_count: int
    sample_time: _timestamp_pb2.Timestamp
    verdict: HeapGrowthVerdict
    reason: str
    types: _containers.RepeatedCompositeFieldContainer[HeapTypeGrowth]
    object_count: int
    total_size: int
    resident_bytes: int
    clone_pause: _duration_pb2.Duration
    method: _heap_pb2.CensusMethod
    missing: str
    suspects: _containers.RepeatedCompositeFieldContainer[HeapGrowthSuspect]
    outside: _containers.RepeatedCompositeFieldContainer[OutsideGrowth]
    types_since_baseline: _containers.RepeatedCompositeFieldContainer[HeapTypeGrowth]
    baseline_time: _timestamp_pb2.Timestamp
    warnings: _containers.RepeatedScalarFieldContainer[str]
    suspects_since_baseline: _containers.RepeatedCompositeFieldContainer[HeapGrowthSuspect]
    reason_since_baseline: str
    def __init__(self, sample_count: _Optional[int] = ..., sample_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., verdict: _Optional[_Union[HeapGrowthVerdict, str]] = ..., reason: _Optional[str] = ..., types: _Optional[_Iterable[_Union[HeapTypeGrowth, _Mapping]]] = ..., object_count: _Optional[int] = ..., total_size: _Optional[int] = ..., resident_bytes: _Optional[int] = ..., clone_pause: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., method: _Optional[_Union[_heap_pb2.CensusMethod, str]] = ..., missing: _Optional[str] = ..., suspects: _Optional[_Iterable[_Union[HeapGrowthSuspect, _Mapping]]] = ..., outside: _Optional[_Iterable[_Union[OutsideGrowth, _Mapping]]] = ..., types_since_baseline: _Optional[_Iterable[_Union[HeapTypeGrowth, _Mapping]]] = ..., baseline_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ..., suspects_since_baseline: _Optional[_Iterable[_Union[HeapGrowthSuspect, _Mapping]]] = ..., reason_since_baseline: _Optional[str] = ...) -> None: ...

class RatePerMinute(_message.Message):
    __slots__ = ("rate", "low", "high")
    RATE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    rate: float
    low: float
    high: float
    def __init__(self, rate: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class HeapGrowthSuspect(_message.Message):
    __slots__ = ("type_name", "also", "count", "total_size", "count_per_minute", "size_per_minute", "counts", "sizes", "holder", "sample_path", "reason", "allocation_sites", "survivors")
    TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    ALSO_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    COUNT_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    SIZE_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_PATH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_SITES_FIELD_NUMBER: _ClassVar[int]
    SURVIVORS_FIELD_NUMBER: _ClassVar[int]
    type_name: str
    also: _containers.RepeatedScalarFieldContainer[str]
    count: int
    total_size: int
    count_per_minute: RatePerMinute
    size_per_minute: RatePerMinute
    counts: _containers.RepeatedScalarFieldContainer[int]
    sizes: _containers.RepeatedScalarFieldContainer[int]
    holder: HeapGrowthHolder
    sample_path: str
    reason: str
    allocation_sites: _containers.RepeatedScalarFieldContainer[str]
    survivors: _containers.RepeatedCompositeFieldContainer[HeapGrowthSurvivors]
    def __init__(self, type_name: _Optional[str] = ..., also: _Optional[_Iterable[str]] = ..., count: _Optional[int] = ..., total_size: _Optional[int] = ..., count_per_minute: _Optional[_Union[RatePerMinute, _Mapping]] = ..., size_per_minute: _Optional[_Union[RatePerMinute, _Mapping]] = ..., counts: _Optional[_Iterable[int]] = ..., sizes: _Optional[_Iterable[int]] = ..., holder: _Optional[_Union[HeapGrowthHolder, _Mapping]] = ..., sample_path: _Optional[str] = ..., reason: _Optional[str] = ..., allocation_sites: _Optional[_Iterable[str]] = ..., survivors: _Optional[_Iterable[_Union[HeapGrowthSurvivors, _Mapping]]] = ...) -> None: ...

class HeapGrowthSurvivors(_message.Message):
    __slots__ = ("age", "at_most")
    AGE_FIELD_NUMBER: _ClassVar[int]
    AT_MOST_FIELD_NUMBER: _ClassVar[int]
    age: _duration_pb2.Duration
    at_most: int
    def __init__(self, age: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., at_most: _Optional[int] = ...) -> None: ...

class HeapGrowthHolder(_message.Message):
    __slots__ = ("path", "root", "steps", "type_name", "owner_type", "lengths")
    PATH_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_TYPE_FIELD_NUMBER: _ClassVar[int]
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    path: str
    root: str
    steps: _containers.RepeatedCompositeFieldContainer[HeapPathStep]
    type_name: str
    owner_type: str
    lengths: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, path: _Optional[str] = ..., root: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[HeapPathStep, _Mapping]]] = ..., type_name: _Optional[str] = ..., owner_type: _Optional[str] = ..., lengths: _Optional[_Iterable[int]] = ...) -> None: ...

class HeapPathStep(_message.Message):
    __slots__ = ("name", "type_name")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    type_name: str
    def __init__(self, name: _Optional[str] = ..., type_name: _Optional[str] = ...) -> None: ...

class OutsideGrowth(_message.Message):
    __slots__ = ("part", "bytes_per_minute", "advice")
    PART_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    part: OutsidePart
    bytes_per_minute: RatePerMinute
    advice: str
    def __init__(self, part: _Optional[_Union[OutsidePart, str]] = ..., bytes_per_minute: _Optional[_Union[RatePerMinute, _Mapping]] = ..., advice: _Optional[str] = ...) -> None: ...

class HeapTypeGrowth(_message.Message):
    __slots__ = ("type_name", "count", "total_size", "count_difference", "size_difference", "count_per_minute", "size_per_minute")
    TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    COUNT_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    SIZE_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    COUNT_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    SIZE_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    type_name: str
    count: int
    total_size: int
    count_difference: int
    size_difference: int
    count_per_minute: float
    size_per_minute: float
    def __init__(self, type_name: _Optional[str] = ..., count: _Optional[int] = ..., total_size: _Optional[int] = ..., count_difference: _Optional[int] = ..., size_difference: _Optional[int] = ..., count_per_minute: _Optional[float] = ..., size_per_minute: _Optional[float] = ...) -> None: ...

class HeapGrowthTrailer(_message.Message):
    __slots__ = ("sample_count", "verdict", "reason", "warnings", "baseline_id")
    SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    BASELINE_ID_FIELD_NUMBER: _ClassVar[int]
    sample_count: int
    verdict: HeapGrowthVerdict
    reason: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    baseline_id: str
    def __init__(self, sample_count: _Optional[int] = ..., verdict: _Optional[_Union[HeapGrowthVerdict, str]] = ..., reason: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ..., baseline_id: _Optional[str] = ...) -> None: ...
