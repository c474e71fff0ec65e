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

class ReferrerKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFERRER_KIND_UNSPECIFIED: _ClassVar[ReferrerKind]
    REFERRER_KIND_OBJECT: _ClassVar[ReferrerKind]
    REFERRER_KIND_MODULES: _ClassVar[ReferrerKind]
    REFERRER_KIND_INTERPRETER: _ClassVar[ReferrerKind]
    REFERRER_KIND_THREAD: _ClassVar[ReferrerKind]
    REFERRER_KIND_FRAME: _ClassVar[ReferrerKind]
    REFERRER_KIND_OPS_SERVICE: _ClassVar[ReferrerKind]
    REFERRER_KIND_HELD_BY_C: _ClassVar[ReferrerKind]
    REFERRER_KIND_GARBAGE: _ClassVar[ReferrerKind]
    REFERRER_KIND_OTHER_INTERPRETER: _ClassVar[ReferrerKind]
REFERRER_KIND_UNSPECIFIED: ReferrerKind
REFERRER_KIND_OBJECT: ReferrerKind
REFERRER_KIND_MODULES: ReferrerKind
REFERRER_KIND_INTERPRETER: ReferrerKind
REFERRER_KIND_THREAD: ReferrerKind
REFERRER_KIND_FRAME: ReferrerKind
REFERRER_KIND_OPS_SERVICE: ReferrerKind
REFERRER_KIND_HELD_BY_C: ReferrerKind
REFERRER_KIND_GARBAGE: ReferrerKind
REFERRER_KIND_OTHER_INTERPRETER: ReferrerKind

class FindReferrersRequest(_message.Message):
    __slots__ = ("instance_id", "object_id", "type_name", "breadth", "time_limit")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    BREADTH_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    object_id: int
    type_name: str
    breadth: int
    time_limit: _duration_pb2.Duration
    def __init__(self, instance_id: _Optional[str] = ..., object_id: _Optional[int] = ..., type_name: _Optional[str] = ..., breadth: _Optional[int] = ..., time_limit: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class FindReferrersResponse(_message.Message):
    __slots__ = ("process", "capture_time", "clone_pause", "object_count", "way_count", "paths", "nodes", "edges", "dot", "cut", "warnings")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLONE_PAUSE_FIELD_NUMBER: _ClassVar[int]
    OBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    WAY_COUNT_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    DOT_FIELD_NUMBER: _ClassVar[int]
    CUT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    capture_time: _timestamp_pb2.Timestamp
    clone_pause: _duration_pb2.Duration
    object_count: int
    way_count: int
    paths: _containers.RepeatedCompositeFieldContainer[ReferrerPath]
    nodes: _containers.RepeatedCompositeFieldContainer[ReferrerNode]
    edges: _containers.RepeatedCompositeFieldContainer[ReferrerEdge]
    dot: str
    cut: bool
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., capture_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., clone_pause: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., object_count: _Optional[int] = ..., way_count: _Optional[int] = ..., paths: _Optional[_Iterable[_Union[ReferrerPath, _Mapping]]] = ..., nodes: _Optional[_Iterable[_Union[ReferrerNode, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[ReferrerEdge, _Mapping]]] = ..., dot: _Optional[str] = ..., cut: bool = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class ReferrerPath(_message.Message):
    __slots__ = ("text", "count", "nodes")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    text: str
    count: int
    nodes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, text: _Optional[str] = ..., count: _Optional[int] = ..., nodes: _Optional[_Iterable[int]] = ...) -> None: ...

class ReferrerNode(_message.Message):
    __slots__ = ("kind", "id", "type_name", "name", "is_target")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    IS_TARGET_FIELD_NUMBER: _ClassVar[int]
    kind: ReferrerKind
    id: int
    type_name: str
    name: str
    is_target: bool
    def __init__(self, kind: _Optional[_Union[ReferrerKind, str]] = ..., id: _Optional[int] = ..., type_name: _Optional[str] = ..., name: _Optional[str] = ..., is_target: bool = ...) -> None: ...

class ReferrerEdge(_message.Message):
    __slots__ = ("source", "target", "kind", "name", "element", "left_out")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    source: int
    target: int
    kind: _heap_graph_pb2.EdgeKind
    name: str
    element: int
    left_out: int
    def __init__(self, source: _Optional[int] = ..., target: _Optional[int] = ..., kind: _Optional[_Union[_heap_graph_pb2.EdgeKind, str]] = ..., name: _Optional[str] = ..., element: _Optional[int] = ..., left_out: _Optional[int] = ...) -> None: ...
