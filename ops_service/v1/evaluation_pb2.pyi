from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from ops_service.v1 import evaluation_place_pb2 as _evaluation_place_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OutputStream(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTPUT_STREAM_UNSPECIFIED: _ClassVar[OutputStream]
    OUTPUT_STREAM_STDOUT: _ClassVar[OutputStream]
    OUTPUT_STREAM_STDERR: _ClassVar[OutputStream]

class EvaluationOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVALUATION_OUTCOME_UNSPECIFIED: _ClassVar[EvaluationOutcome]
    EVALUATION_OUTCOME_COMPLETED: _ClassVar[EvaluationOutcome]
    EVALUATION_OUTCOME_RAISED: _ClassVar[EvaluationOutcome]
    EVALUATION_OUTCOME_INVALID_SOURCE: _ClassVar[EvaluationOutcome]
    EVALUATION_OUTCOME_TIMED_OUT: _ClassVar[EvaluationOutcome]
    EVALUATION_OUTCOME_STILL_RUNNING: _ClassVar[EvaluationOutcome]
    EVALUATION_OUTCOME_INTERRUPTED: _ClassVar[EvaluationOutcome]
    EVALUATION_OUTCOME_NOT_STARTED: _ClassVar[EvaluationOutcome]
OUTPUT_STREAM_UNSPECIFIED: OutputStream
OUTPUT_STREAM_STDOUT: OutputStream
OUTPUT_STREAM_STDERR: OutputStream
EVALUATION_OUTCOME_UNSPECIFIED: EvaluationOutcome
EVALUATION_OUTCOME_COMPLETED: EvaluationOutcome
EVALUATION_OUTCOME_RAISED: EvaluationOutcome
EVALUATION_OUTCOME_INVALID_SOURCE: EvaluationOutcome
EVALUATION_OUTCOME_TIMED_OUT: EvaluationOutcome
EVALUATION_OUTCOME_STILL_RUNNING: EvaluationOutcome
EVALUATION_OUTCOME_INTERRUPTED: EvaluationOutcome
EVALUATION_OUTCOME_NOT_STARTED: EvaluationOutcome

class EvaluateCodeRequest(_message.Message):
    __slots__ = ("instance_id", "source", "time_limit", "place")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    source: str
    time_limit: _duration_pb2.Duration
    place: _evaluation_place_pb2.EvaluationPlace
    def __init__(self, instance_id: _Optional[str] = ..., source: _Optional[str] = ..., time_limit: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., place: _Optional[_Union[_evaluation_place_pb2.EvaluationPlace, str]] = ...) -> None: ...

class EvaluateCodeResponse(_message.Message):
    __slots__ = ("header", "output", "result")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    header: EvaluationHeader
    output: EvaluationOutput
    result: EvaluationResult
    def __init__(self, header: _Optional[_Union[EvaluationHeader, _Mapping]] = ..., output: _Optional[_Union[EvaluationOutput, _Mapping]] = ..., result: _Optional[_Union[EvaluationResult, _Mapping]] = ...) -> None: ...

class EvaluationHeader(_message.Message):
    __slots__ = ("process", "evaluation_id", "time_limit")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    evaluation_id: str
    time_limit: _duration_pb2.Duration
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., evaluation_id: _Optional[str] = ..., time_limit: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class EvaluationOutput(_message.Message):
    __slots__ = ("stream", "text")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    stream: OutputStream
    text: str
    def __init__(self, stream: _Optional[_Union[OutputStream, str]] = ..., text: _Optional[str] = ...) -> None: ...

class EvaluationResult(_message.Message):
    __slots__ = ("outcome", "value_repr", "exception", "elapsed", "value_truncated", "output_truncated", "value", "source_incomplete", "place", "audit_hash")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    VALUE_REPR_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    VALUE_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    AUDIT_HASH_FIELD_NUMBER: _ClassVar[int]
    outcome: EvaluationOutcome
    value_repr: str
    exception: EvaluationException
    elapsed: _duration_pb2.Duration
    value_truncated: bool
    output_truncated: bool
    value: _struct_pb2.Value
    source_incomplete: bool
    place: _evaluation_place_pb2.EvaluationPlace
    audit_hash: str
    def __init__(self, outcome: _Optional[_Union[EvaluationOutcome, str]] = ..., value_repr: _Optional[str] = ..., exception: _Optional[_Union[EvaluationException, _Mapping]] = ..., elapsed: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., value_truncated: bool = ..., output_truncated: bool = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., source_incomplete: bool = ..., place: _Optional[_Union[_evaluation_place_pb2.EvaluationPlace, str]] = ..., audit_hash: _Optional[str] = ...) -> None: ...

class EvaluationException(_message.Message):
    __slots__ = ("type_name", "message", "traceback")
    TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    type_name: str
    message: str
    traceback: str
    def __init__(self, type_name: _Optional[str] = ..., message: _Optional[str] = ..., traceback: _Optional[str] = ...) -> None: ...
