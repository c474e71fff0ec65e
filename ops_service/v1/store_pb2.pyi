from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoredSnapshotState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STORED_SNAPSHOT_STATE_UNSPECIFIED: _ClassVar[StoredSnapshotState]
    STORED_SNAPSHOT_STATE_WHOLE: _ClassVar[StoredSnapshotState]
    STORED_SNAPSHOT_STATE_WRITING: _ClassVar[StoredSnapshotState]
    STORED_SNAPSHOT_STATE_DAMAGED: _ClassVar[StoredSnapshotState]
STORED_SNAPSHOT_STATE_UNSPECIFIED: StoredSnapshotState
STORED_SNAPSHOT_STATE_WHOLE: StoredSnapshotState
STORED_SNAPSHOT_STATE_WRITING: StoredSnapshotState
STORED_SNAPSHOT_STATE_DAMAGED: StoredSnapshotState

class ListSnapshotsRequest(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class ListSnapshotsResponse(_message.Message):
    __slots__ = ("process", "snapshots", "instances", "used_bytes", "max_bytes", "warnings")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOTS_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    snapshots: _containers.RepeatedCompositeFieldContainer[StoredSnapshot]
    instances: _containers.RepeatedCompositeFieldContainer[StoredInstance]
    used_bytes: int
    max_bytes: int
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., snapshots: _Optional[_Iterable[_Union[StoredSnapshot, _Mapping]]] = ..., instances: _Optional[_Iterable[_Union[StoredInstance, _Mapping]]] = ..., used_bytes: _Optional[int] = ..., max_bytes: _Optional[int] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class StoredSnapshot(_message.Message):
    __slots__ = ("snapshot_id", "process", "capture_time", "byte_count", "state")
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    snapshot_id: str
    process: _process_pb2.ProcessId
    capture_time: _timestamp_pb2.Timestamp
    byte_count: int
    state: StoredSnapshotState
    def __init__(self, snapshot_id: _Optional[str] = ..., process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., capture_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., byte_count: _Optional[int] = ..., state: _Optional[_Union[StoredSnapshotState, str]] = ...) -> None: ...

class StoredInstance(_message.Message):
    __slots__ = ("process", "service_start_time", "running", "history_bytes")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_START_TIME_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    HISTORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    service_start_time: _timestamp_pb2.Timestamp
    running: bool
    history_bytes: int
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., service_start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., running: bool = ..., history_bytes: _Optional[int] = ...) -> None: ...

class ReadSnapshotRequest(_message.Message):
    __slots__ = ("instance_id", "snapshot_id", "offset")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    snapshot_id: str
    offset: int
    def __init__(self, instance_id: _Optional[str] = ..., snapshot_id: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ReadSnapshotResponse(_message.Message):
    __slots__ = ("header", "chunk", "trailer")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    header: ReadSnapshotHeader
    chunk: SnapshotChunk
    trailer: ReadSnapshotTrailer
    def __init__(self, header: _Optional[_Union[ReadSnapshotHeader, _Mapping]] = ..., chunk: _Optional[_Union[SnapshotChunk, _Mapping]] = ..., trailer: _Optional[_Union[ReadSnapshotTrailer, _Mapping]] = ...) -> None: ...

class ReadSnapshotHeader(_message.Message):
    __slots__ = ("process", "snapshot_id", "offset")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    snapshot_id: str
    offset: int
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., snapshot_id: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class SnapshotChunk(_message.Message):
    __slots__ = ("offset", "data")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    offset: int
    data: bytes
    def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class ReadSnapshotTrailer(_message.Message):
    __slots__ = ("byte_count",)
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    byte_count: int
    def __init__(self, byte_count: _Optional[int] = ...) -> None: ...
