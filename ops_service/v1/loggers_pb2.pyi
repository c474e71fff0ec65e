from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListLoggersRequest(_message.Message):
    __slots__ = ("instance_id", "prefix", "limit")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    prefix: str
    limit: int
    def __init__(self, instance_id: _Optional[str] = ..., prefix: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListLoggersResponse(_message.Message):
    __slots__ = ("process", "loggers", "logger_count")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    LOGGERS_FIELD_NUMBER: _ClassVar[int]
    LOGGER_COUNT_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    loggers: _containers.RepeatedCompositeFieldContainer[LoggerState]
    logger_count: int
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., loggers: _Optional[_Iterable[_Union[LoggerState, _Mapping]]] = ..., logger_count: _Optional[int] = ...) -> None: ...

class LoggerState(_message.Message):
    __slots__ = ("name", "level", "effective_level", "handler_count", "propagates", "disabled", "changed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_LEVEL_FIELD_NUMBER: _ClassVar[int]
    HANDLER_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROPAGATES_FIELD_NUMBER: _ClassVar[int]
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    name: str
    level: str
    effective_level: str
    handler_count: int
    propagates: bool
    disabled: bool
    changed: bool
    def __init__(self, name: _Optional[str] = ..., level: _Optional[str] = ..., effective_level: _Optional[str] = ..., handler_count: _Optional[int] = ..., propagates: bool = ..., disabled: bool = ..., changed: bool = ...) -> None: ...

class SetLogLevelRequest(_message.Message):
    __slots__ = ("instance_id", "logger", "level", "restore_after")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    LOGGER_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    RESTORE_AFTER_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    logger: str
    level: str
    restore_after: _duration_pb2.Duration
    def __init__(self, instance_id: _Optional[str] = ..., logger: _Optional[str] = ..., level: _Optional[str] = ..., restore_after: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SetLogLevelResponse(_message.Message):
    __slots__ = ("process", "before", "after", "restore_time")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    RESTORE_TIME_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    before: LoggerState
    after: LoggerState
    restore_time: _timestamp_pb2.Timestamp
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., before: _Optional[_Union[LoggerState, _Mapping]] = ..., after: _Optional[_Union[LoggerState, _Mapping]] = ..., restore_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
