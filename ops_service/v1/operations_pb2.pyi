from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OperationValueKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_VALUE_KIND_UNSPECIFIED: _ClassVar[OperationValueKind]
    OPERATION_VALUE_KIND_STRING: _ClassVar[OperationValueKind]
    OPERATION_VALUE_KIND_INTEGER: _ClassVar[OperationValueKind]
    OPERATION_VALUE_KIND_NUMBER: _ClassVar[OperationValueKind]
    OPERATION_VALUE_KIND_BOOLEAN: _ClassVar[OperationValueKind]
    OPERATION_VALUE_KIND_CHOICE: _ClassVar[OperationValueKind]

class OperationOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_OUTCOME_UNSPECIFIED: _ClassVar[OperationOutcome]
    OPERATION_OUTCOME_COMPLETED: _ClassVar[OperationOutcome]
    OPERATION_OUTCOME_FAILED: _ClassVar[OperationOutcome]
    OPERATION_OUTCOME_RAISED: _ClassVar[OperationOutcome]
    OPERATION_OUTCOME_TIMED_OUT: _ClassVar[OperationOutcome]
    OPERATION_OUTCOME_STILL_RUNNING: _ClassVar[OperationOutcome]
OPERATION_VALUE_KIND_UNSPECIFIED: OperationValueKind
OPERATION_VALUE_KIND_STRING: OperationValueKind
OPERATION_VALUE_KIND_INTEGER: OperationValueKind
OPERATION_VALUE_KIND_NUMBER: OperationValueKind
OPERATION_VALUE_KIND_BOOLEAN: OperationValueKind
OPERATION_VALUE_KIND_CHOICE: OperationValueKind
OPERATION_OUTCOME_UNSPECIFIED: OperationOutcome
OPERATION_OUTCOME_COMPLETED: OperationOutcome
OPERATION_OUTCOME_FAILED: OperationOutcome
OPERATION_OUTCOME_RAISED: OperationOutcome
OPERATION_OUTCOME_TIMED_OUT: OperationOutcome
OPERATION_OUTCOME_STILL_RUNNING: OperationOutcome

class ListOperationsRequest(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class ListOperationsResponse(_message.Message):
    __slots__ = ("process", "operations")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("name", "description", "parameters", "time_limit", "max_concurrent", "on_event_loop", "allowed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    ON_EVENT_LOOP_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    parameters: _containers.RepeatedCompositeFieldContainer[OperationParameter]
    time_limit: _duration_pb2.Duration
    max_concurrent: int
    on_event_loop: bool
    allowed: bool
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[OperationParameter, _Mapping]]] = ..., time_limit: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., max_concurrent: _Optional[int] = ..., on_event_loop: bool = ..., allowed: bool = ...) -> None: ...

class OperationParameter(_message.Message):
    __slots__ = ("name", "kind", "is_list", "nullable", "choices", "required", "default_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    IS_LIST_FIELD_NUMBER: _ClassVar[int]
    NULLABLE_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: OperationValueKind
    is_list: bool
    nullable: bool
    choices: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Value]
    required: bool
    default_value: _struct_pb2.Value
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[OperationValueKind, str]] = ..., is_list: bool = ..., nullable: bool = ..., choices: _Optional[_Iterable[_Union[_struct_pb2.Value, _Mapping]]] = ..., required: bool = ..., default_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class InvokeOperationRequest(_message.Message):
    __slots__ = ("instance_id", "operation", "arguments", "time_limit")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    operation: str
    arguments: _struct_pb2.Struct
    time_limit: _duration_pb2.Duration
    def __init__(self, instance_id: _Optional[str] = ..., operation: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., time_limit: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class InvokeOperationResponse(_message.Message):
    __slots__ = ("header", "progress", "result")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    header: OperationHeader
    progress: OperationProgress
    result: OperationResult
    def __init__(self, header: _Optional[_Union[OperationHeader, _Mapping]] = ..., progress: _Optional[_Union[OperationProgress, _Mapping]] = ..., result: _Optional[_Union[OperationResult, _Mapping]] = ...) -> None: ...

class OperationHeader(_message.Message):
    __slots__ = ("process", "run_id", "time_limit")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    run_id: str
    time_limit: _duration_pb2.Duration
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., run_id: _Optional[str] = ..., time_limit: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class OperationProgress(_message.Message):
    __slots__ = ("fraction", "message")
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    message: str
    def __init__(self, fraction: _Optional[float] = ..., message: _Optional[str] = ...) -> None: ...

class OperationResult(_message.Message):
    __slots__ = ("outcome", "value", "value_left_out", "message", "exception_type", "reference", "elapsed")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VALUE_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    outcome: OperationOutcome
    value: _struct_pb2.Value
    value_left_out: str
    message: str
    exception_type: str
    reference: str
    elapsed: _duration_pb2.Duration
    def __init__(self, outcome: _Optional[_Union[OperationOutcome, str]] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., value_left_out: _Optional[str] = ..., message: _Optional[str] = ..., exception_type: _Optional[str] = ..., reference: _Optional[str] = ..., elapsed: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...
