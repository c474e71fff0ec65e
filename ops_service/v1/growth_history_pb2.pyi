from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ops_service.v1 import growth_pb2 as _growth_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReadGrowthHistoryRequest(_message.Message):
    __slots__ = ("instance_id", "stored_instance_id", "previous")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    STORED_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    stored_instance_id: str
    previous: bool
    def __init__(self, instance_id: _Optional[str] = ..., stored_instance_id: _Optional[str] = ..., previous: bool = ...) -> None: ...

class ReadGrowthHistoryResponse(_message.Message):
    __slots__ = ("header", "record", "trailer")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    header: GrowthHistoryHeader
    record: GrowthRecord
    trailer: GrowthHistoryTrailer
    def __init__(self, header: _Optional[_Union[GrowthHistoryHeader, _Mapping]] = ..., record: _Optional[_Union[GrowthRecord, _Mapping]] = ..., trailer: _Optional[_Union[GrowthHistoryTrailer, _Mapping]] = ...) -> None: ...

class GrowthHistoryHeader(_message.Message):
    __slots__ = ("process", "watched_process", "running", "service_start_time", "interval")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    WATCHED_PROCESS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    SERVICE_START_TIME_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    watched_process: _process_pb2.ProcessId
    running: bool
    service_start_time: _timestamp_pb2.Timestamp
    interval: _duration_pb2.Duration
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., watched_process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., running: bool = ..., service_start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., interval: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GrowthRecord(_message.Message):
    __slots__ = ("time", "report", "event")
    TIME_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    report: _growth_pb2.HeapGrowthReport
    event: RuleEvent
    def __init__(self, time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., report: _Optional[_Union[_growth_pb2.HeapGrowthReport, _Mapping]] = ..., event: _Optional[_Union[RuleEvent, _Mapping]] = ...) -> None: ...

class RuleEvent(_message.Message):
    __slots__ = ("rule", "reason", "actions", "snapshot_id", "problem")
    RULE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    rule: str
    reason: str
    actions: _containers.RepeatedScalarFieldContainer[str]
    snapshot_id: str
    problem: str
    def __init__(self, rule: _Optional[str] = ..., reason: _Optional[str] = ..., actions: _Optional[_Iterable[str]] = ..., snapshot_id: _Optional[str] = ..., problem: _Optional[str] = ...) -> None: ...

class GrowthHistoryTrailer(_message.Message):
    __slots__ = ("record_count", "warnings")
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    record_count: int
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, record_count: _Optional[int] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...
