from google.protobuf import duration_pb2 as _duration_pb2
from ops_service.v1 import evaluation_pb2 as _evaluation_pb2
from ops_service.v1 import evaluation_place_pb2 as _evaluation_place_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReplPromptState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPL_PROMPT_STATE_UNSPECIFIED: _ClassVar[ReplPromptState]
    REPL_PROMPT_STATE_READY: _ClassVar[ReplPromptState]
    REPL_PROMPT_STATE_INCOMPLETE: _ClassVar[ReplPromptState]
    REPL_PROMPT_STATE_RUNNING: _ClassVar[ReplPromptState]
REPL_PROMPT_STATE_UNSPECIFIED: ReplPromptState
REPL_PROMPT_STATE_READY: ReplPromptState
REPL_PROMPT_STATE_INCOMPLETE: ReplPromptState
REPL_PROMPT_STATE_RUNNING: ReplPromptState

class OpenReplRequest(_message.Message):
    __slots__ = ("instance_id", "open", "input", "completion", "interrupt", "resize", "close")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_FIELD_NUMBER: _ClassVar[int]
    INTERRUPT_FIELD_NUMBER: _ClassVar[int]
    RESIZE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    open: ReplOpen
    input: ReplInput
    completion: ReplCompletionRequest
    interrupt: ReplInterrupt
    resize: ReplSize
    close: ReplClose
    def __init__(self, instance_id: _Optional[str] = ..., open: _Optional[_Union[ReplOpen, _Mapping]] = ..., input: _Optional[_Union[ReplInput, _Mapping]] = ..., completion: _Optional[_Union[ReplCompletionRequest, _Mapping]] = ..., interrupt: _Optional[_Union[ReplInterrupt, _Mapping]] = ..., resize: _Optional[_Union[ReplSize, _Mapping]] = ..., close: _Optional[_Union[ReplClose, _Mapping]] = ...) -> None: ...

class OpenReplResponse(_message.Message):
    __slots__ = ("header", "output", "prompt", "completions", "result")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    COMPLETIONS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    header: ReplHeader
    output: _evaluation_pb2.EvaluationOutput
    prompt: ReplPrompt
    completions: ReplCompletions
    result: _evaluation_pb2.EvaluationResult
    def __init__(self, header: _Optional[_Union[ReplHeader, _Mapping]] = ..., output: _Optional[_Union[_evaluation_pb2.EvaluationOutput, _Mapping]] = ..., prompt: _Optional[_Union[ReplPrompt, _Mapping]] = ..., completions: _Optional[_Union[ReplCompletions, _Mapping]] = ..., result: _Optional[_Union[_evaluation_pb2.EvaluationResult, _Mapping]] = ...) -> None: ...

class ReplOpen(_message.Message):
    __slots__ = ("session_id", "size", "time_limit", "place")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    size: ReplSize
    time_limit: _duration_pb2.Duration
    place: _evaluation_place_pb2.EvaluationPlace
    def __init__(self, session_id: _Optional[str] = ..., size: _Optional[_Union[ReplSize, _Mapping]] = ..., time_limit: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., place: _Optional[_Union[_evaluation_place_pb2.EvaluationPlace, str]] = ...) -> None: ...

class ReplHeader(_message.Message):
    __slots__ = ("process", "session_id", "resumed", "expires_after", "time_limit")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AFTER_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    session_id: str
    resumed: bool
    expires_after: _duration_pb2.Duration
    time_limit: _duration_pb2.Duration
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., session_id: _Optional[str] = ..., resumed: bool = ..., expires_after: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., time_limit: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReplInput(_message.Message):
    __slots__ = ("source", "at_prompt")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AT_PROMPT_FIELD_NUMBER: _ClassVar[int]
    source: str
    at_prompt: bool
    def __init__(self, source: _Optional[str] = ..., at_prompt: bool = ...) -> None: ...

class ReplPrompt(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: ReplPromptState
    def __init__(self, state: _Optional[_Union[ReplPromptState, str]] = ...) -> None: ...

class ReplCompletionRequest(_message.Message):
    __slots__ = ("text", "cursor")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    text: str
    cursor: int
    def __init__(self, text: _Optional[str] = ..., cursor: _Optional[int] = ...) -> None: ...

class ReplCompletions(_message.Message):
    __slots__ = ("start", "candidates", "truncated")
    START_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    start: int
    candidates: _containers.RepeatedScalarFieldContainer[str]
    truncated: bool
    def __init__(self, start: _Optional[int] = ..., candidates: _Optional[_Iterable[str]] = ..., truncated: bool = ...) -> None: ...

class ReplInterrupt(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReplSize(_message.Message):
    __slots__ = ("columns", "lines")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    columns: int
    lines: int
    def __init__(self, columns: _Optional[int] = ..., lines: _Optional[int] = ...) -> None: ...

class ReplClose(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
