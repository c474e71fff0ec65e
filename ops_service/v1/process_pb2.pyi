from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ops_service.v1 import annotations_pb2 as _annotations_pb2
from ops_service.v1 import evaluation_place_pb2 as _evaluation_place_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProcessId(_message.Message):
    __slots__ = ("instance_id", "pid", "start_time", "host_name")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    HOST_NAME_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    pid: int
    start_time: _timestamp_pb2.Timestamp
    host_name: str
    def __init__(self, instance_id: _Optional[str] = ..., pid: _Optional[int] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., host_name: _Optional[str] = ...) -> None: ...

class GetPrincipalRequest(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class GetPrincipalResponse(_message.Message):
    __slots__ = ("process", "principal", "principal_problem", "presented_names", "capabilities")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    PRESENTED_NAMES_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    process: ProcessId
    principal: str
    principal_problem: str
    presented_names: _containers.RepeatedScalarFieldContainer[str]
    capabilities: _containers.RepeatedScalarFieldContainer[_annotations_pb2.Capability]
    def __init__(self, process: _Optional[_Union[ProcessId, _Mapping]] = ..., principal: _Optional[str] = ..., principal_problem: _Optional[str] = ..., presented_names: _Optional[_Iterable[str]] = ..., capabilities: _Optional[_Iterable[_Union[_annotations_pb2.Capability, str]]] = ...) -> None: ...

class GetProcessRequest(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class GetProcessResponse(_message.Message):
    __slots__ = ("process", "uptime", "service_uptime", "service_version", "python_implementation", "python_version", "grpcio_version", "protobuf_version", "resident_bytes", "thread_count", "garbage_collector", "snapshot_engine", "evaluation_enabled", "running_evaluations", "running_operations", "environment", "arguments", "alarms", "evaluation_places", "repl_sessions", "interpreters")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_UPTIME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PYTHON_IMPLEMENTATION_FIELD_NUMBER: _ClassVar[int]
    PYTHON_VERSION_FIELD_NUMBER: _ClassVar[int]
    GRPCIO_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROTOBUF_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    THREAD_COUNT_FIELD_NUMBER: _ClassVar[int]
    GARBAGE_COLLECTOR_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ENGINE_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_ENABLED_FIELD_NUMBER: _ClassVar[int]
    RUNNING_EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_PLACES_FIELD_NUMBER: _ClassVar[int]
    REPL_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    INTERPRETERS_FIELD_NUMBER: _ClassVar[int]
    process: ProcessId
    uptime: _duration_pb2.Duration
    service_uptime: _duration_pb2.Duration
    service_version: str
    python_implementation: str
    python_version: str
    grpcio_version: str
    protobuf_version: str
    resident_bytes: int
    thread_count: int
    garbage_collector: GarbageCollector
    snapshot_engine: SnapshotEngine
    evaluation_enabled: bool
    running_evaluations: _containers.RepeatedCompositeFieldContainer[RunningEvaluation]
    running_operations: _containers.RepeatedCompositeFieldContainer[RunningOperation]
    environment: _containers.RepeatedCompositeFieldContainer[StartSetting]
    arguments: _containers.RepeatedCompositeFieldContainer[StartSetting]
    alarms: _containers.RepeatedCompositeFieldContainer[Alarm]
    evaluation_places: _containers.RepeatedScalarFieldContainer[_evaluation_place_pb2.EvaluationPlace]
    repl_sessions: _containers.RepeatedCompositeFieldContainer[ReplSession]
    interpreters: Interpreters
    def __init__(self, process: _Optional[_Union[ProcessId, _Mapping]] = ..., uptime: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., service_uptime: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., service_version: _Optional[str] = ..., python_implementation: _Optional[str] = ..., python_version: _Optional[str] = ..., grpcio_version: _Optional[str] = ..., protobuf_version: _Optional[str] = ..., resident_bytes: _Optional[int] = ..., thread_count: _Optional[int] = ..., garbage_collector: _Optional[_Union[GarbageCollector, _Mapping]] = ..., snapshot_engine: _Optional[_Union[SnapshotEngine, _Mapping]] = ..., evaluation_enabled: bool = ..., running_evaluations: _Optional[_Iterable[_Union[RunningEvaluation, _Mapping]]] = ..., running_operations: _Optional[_Iterable[_Union[RunningOperation, _Mapping]]] = ..., environment: _Optional[_Iterable[_Union[StartSetting, _Mapping]]] = ..., arguments: _Optional[_Iterable[_Union[StartSetting, _Mapping]]] = ..., alarms: _Optional[_Iterable[_Union[Alarm, _Mapping]]] = ..., evaluation_places: _Optional[_Iterable[_Union[_evaluation_place_pb2.EvaluationPlace, str]]] = ..., repl_sessions: _Optional[_Iterable[_Union[ReplSession, _Mapping]]] = ..., interpreters: _Optional[_Union[Interpreters, _Mapping]] = ...) -> None: ...

class Interpreters(_message.Message):
    __slots__ = ("count", "own_gil_count", "service_interpreter_id", "unknown_reason")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    OWN_GIL_COUNT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_INTERPRETER_ID_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_REASON_FIELD_NUMBER: _ClassVar[int]
    count: int
    own_gil_count: int
    service_interpreter_id: int
    unknown_reason: str
    def __init__(self, count: _Optional[int] = ..., own_gil_count: _Optional[int] = ..., service_interpreter_id: _Optional[int] = ..., unknown_reason: _Optional[str] = ...) -> None: ...

class StartSetting(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class RunningOperation(_message.Message):
    __slots__ = ("run_id", "operation", "principal", "elapsed", "past_time_limit")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    PAST_TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    operation: str
    principal: str
    elapsed: _duration_pb2.Duration
    past_time_limit: bool
    def __init__(self, run_id: _Optional[str] = ..., operation: _Optional[str] = ..., principal: _Optional[str] = ..., elapsed: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., past_time_limit: bool = ...) -> None: ...

class Alarm(_message.Message):
    __slots__ = ("topic", "text", "since")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    topic: str
    text: str
    since: _timestamp_pb2.Timestamp
    def __init__(self, topic: _Optional[str] = ..., text: _Optional[str] = ..., since: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GarbageCollector(_message.Message):
    __slots__ = ("enabled", "frozen_count", "generation_counts", "generation_thresholds", "collection_counts")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    FROZEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_COUNTS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_COUNTS_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    frozen_count: int
    generation_counts: _containers.RepeatedScalarFieldContainer[int]
    generation_thresholds: _containers.RepeatedScalarFieldContainer[int]
    collection_counts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, enabled: bool = ..., frozen_count: _Optional[int] = ..., generation_counts: _Optional[_Iterable[int]] = ..., generation_thresholds: _Optional[_Iterable[int]] = ..., collection_counts: _Optional[_Iterable[int]] = ...) -> None: ...

class SnapshotEngine(_message.Message):
    __slots__ = ("available", "unavailable_reason", "compiled_for")
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_REASON_FIELD_NUMBER: _ClassVar[int]
    COMPILED_FOR_FIELD_NUMBER: _ClassVar[int]
    available: bool
    unavailable_reason: str
    compiled_for: str
    def __init__(self, available: bool = ..., unavailable_reason: _Optional[str] = ..., compiled_for: _Optional[str] = ...) -> None: ...

class ReplSession(_message.Message):
    __slots__ = ("principal", "idle", "connected", "running")
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    IDLE_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    principal: str
    idle: _duration_pb2.Duration
    connected: bool
    running: bool
    def __init__(self, principal: _Optional[str] = ..., idle: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., connected: bool = ..., running: bool = ...) -> None: ...

class RunningEvaluation(_message.Message):
    __slots__ = ("evaluation_id", "principal", "elapsed", "past_time_limit", "place")
    EVALUATION_ID_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    PAST_TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    evaluation_id: str
    principal: str
    elapsed: _duration_pb2.Duration
    past_time_limit: bool
    place: _evaluation_place_pb2.EvaluationPlace
    def __init__(self, evaluation_id: _Optional[str] = ..., principal: _Optional[str] = ..., elapsed: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., past_time_limit: bool = ..., place: _Optional[_Union[_evaluation_place_pb2.EvaluationPlace, str]] = ...) -> None: ...
