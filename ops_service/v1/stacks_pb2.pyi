from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StackOwner(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STACK_OWNER_UNSPECIFIED: _ClassVar[StackOwner]
    STACK_OWNER_THREAD: _ClassVar[StackOwner]
    STACK_OWNER_TASK: _ClassVar[StackOwner]
    STACK_OWNER_GREENLET: _ClassVar[StackOwner]
STACK_OWNER_UNSPECIFIED: StackOwner
STACK_OWNER_THREAD: StackOwner
STACK_OWNER_TASK: StackOwner
STACK_OWNER_GREENLET: StackOwner

class CaptureStacksRequest(_message.Message):
    __slots__ = ("instance_id", "sample_distance", "limit", "include_ops_service")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_OPS_SERVICE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    sample_distance: _duration_pb2.Duration
    limit: int
    include_ops_service: bool
    def __init__(self, instance_id: _Optional[str] = ..., sample_distance: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., limit: _Optional[int] = ..., include_ops_service: bool = ...) -> None: ...

class CaptureStacksResponse(_message.Message):
    __slots__ = ("header", "group", "trailer")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    header: StacksHeader
    group: StackGroup
    trailer: StacksTrailer
    def __init__(self, header: _Optional[_Union[StacksHeader, _Mapping]] = ..., group: _Optional[_Union[StackGroup, _Mapping]] = ..., trailer: _Optional[_Union[StacksTrailer, _Mapping]] = ...) -> None: ...

class StacksHeader(_message.Message):
    __slots__ = ("process", "sample_time", "sample_distance")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_TIME_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    sample_time: _timestamp_pb2.Timestamp
    sample_distance: _duration_pb2.Duration
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., sample_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., sample_distance: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StackGroup(_message.Message):
    __slots__ = ("owner", "count", "unmoved_count", "frames", "frames_left_out", "created_frames", "members")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    UNMOVED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    FRAMES_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    CREATED_FRAMES_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    owner: StackOwner
    count: int
    unmoved_count: int
    frames: _containers.RepeatedCompositeFieldContainer[StackFrame]
    frames_left_out: int
    created_frames: _containers.RepeatedCompositeFieldContainer[StackFrame]
    members: _containers.RepeatedCompositeFieldContainer[StackMember]
    def __init__(self, owner: _Optional[_Union[StackOwner, str]] = ..., count: _Optional[int] = ..., unmoved_count: _Optional[int] = ..., frames: _Optional[_Iterable[_Union[StackFrame, _Mapping]]] = ..., frames_left_out: _Optional[int] = ..., created_frames: _Optional[_Iterable[_Union[StackFrame, _Mapping]]] = ..., members: _Optional[_Iterable[_Union[StackMember, _Mapping]]] = ...) -> None: ...

class StackFrame(_message.Message):
    __slots__ = ("file", "function", "line")
    FILE_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    file: str
    function: str
    line: int
    def __init__(self, file: _Optional[str] = ..., function: _Optional[str] = ..., line: _Optional[int] = ...) -> None: ...

class StackMember(_message.Message):
    __slots__ = ("name", "id", "native_id", "daemon", "wait", "unmoved", "cpu_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    DAEMON_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    UNMOVED_FIELD_NUMBER: _ClassVar[int]
    CPU_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    id: int
    native_id: int
    daemon: bool
    wait: StackWait
    unmoved: bool
    cpu_time: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., id: _Optional[int] = ..., native_id: _Optional[int] = ..., daemon: bool = ..., wait: _Optional[_Union[StackWait, _Mapping]] = ..., unmoved: bool = ..., cpu_time: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StackWait(_message.Message):
    __slots__ = ("what", "object_id", "holder")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    what: str
    object_id: int
    holder: str
    def __init__(self, what: _Optional[str] = ..., object_id: _Optional[int] = ..., holder: _Optional[str] = ...) -> None: ...

class WaitCycle(_message.Message):
    __slots__ = ("steps",)
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[WaitCycleStep]
    def __init__(self, steps: _Optional[_Iterable[_Union[WaitCycleStep, _Mapping]]] = ...) -> None: ...

class WaitCycleStep(_message.Message):
    __slots__ = ("name", "what")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    name: str
    what: str
    def __init__(self, name: _Optional[str] = ..., what: _Optional[str] = ...) -> None: ...

class StacksTrailer(_message.Message):
    __slots__ = ("thread_count", "task_count", "greenlet_count", "group_count", "cycles", "sample_times", "warnings")
    THREAD_COUNT_FIELD_NUMBER: _ClassVar[int]
    TASK_COUNT_FIELD_NUMBER: _ClassVar[int]
    GREENLET_COUNT_FIELD_NUMBER: _ClassVar[int]
    GROUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    CYCLES_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_TIMES_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    thread_count: int
    task_count: int
    greenlet_count: int
    group_count: int
    cycles: _containers.RepeatedCompositeFieldContainer[WaitCycle]
    sample_times: _containers.RepeatedCompositeFieldContainer[_duration_pb2.Duration]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, thread_count: _Optional[int] = ..., task_count: _Optional[int] = ..., greenlet_count: _Optional[int] = ..., group_count: _Optional[int] = ..., cycles: _Optional[_Iterable[_Union[WaitCycle, _Mapping]]] = ..., sample_times: _Optional[_Iterable[_Union[_duration_pb2.Duration, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...
