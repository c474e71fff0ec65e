from google.protobuf import duration_pb2 as _duration_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListWorkersRequest(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ("process", "workers")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ("process", "role", "address", "slot", "resident_bytes", "service_uptime", "stale", "answered")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SERVICE_UPTIME_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    role: str
    address: str
    slot: int
    resident_bytes: int
    service_uptime: _duration_pb2.Duration
    stale: bool
    answered: bool
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., role: _Optional[str] = ..., address: _Optional[str] = ..., slot: _Optional[int] = ..., resident_bytes: _Optional[int] = ..., service_uptime: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., stale: bool = ..., answered: bool = ...) -> None: ...
