from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class EvaluationPlace(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVALUATION_PLACE_UNSPECIFIED: _ClassVar[EvaluationPlace]
    EVALUATION_PLACE_WORKER_THREAD: _ClassVar[EvaluationPlace]
    EVALUATION_PLACE_EVENT_LOOP: _ClassVar[EvaluationPlace]
    EVALUATION_PLACE_MAIN_THREAD: _ClassVar[EvaluationPlace]
EVALUATION_PLACE_UNSPECIFIED: EvaluationPlace
EVALUATION_PLACE_WORKER_THREAD: EvaluationPlace
EVALUATION_PLACE_EVENT_LOOP: EvaluationPlace
EVALUATION_PLACE_MAIN_THREAD: EvaluationPlace
