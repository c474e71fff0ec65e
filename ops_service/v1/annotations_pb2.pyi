from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Capability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAPABILITY_UNSPECIFIED: _ClassVar[Capability]
    CAPABILITY_AUTHENTICATED: _ClassVar[Capability]
    CAPABILITY_INSPECT: _ClassVar[Capability]
    CAPABILITY_READ_HEAP: _ClassVar[Capability]
    CAPABILITY_READ_CONTENT: _ClassVar[Capability]
    CAPABILITY_OPERATE: _ClassVar[Capability]
    CAPABILITY_EVALUATE: _ClassVar[Capability]
CAPABILITY_UNSPECIFIED: Capability
CAPABILITY_AUTHENTICATED: Capability
CAPABILITY_INSPECT: Capability
CAPABILITY_READ_HEAP: Capability
CAPABILITY_READ_CONTENT: Capability
CAPABILITY_OPERATE: Capability
CAPABILITY_EVALUATE: Capability
REQUIRED_CAPABILITY_FIELD_NUMBER: _ClassVar[int]
required_capability: _descriptor.FieldDescriptor
