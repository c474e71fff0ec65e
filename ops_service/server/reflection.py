"""Server reflection from the committed descriptor set, comments included.

grpcio's servicer uses protobuf's pool. The pool drops comments, finds no method by its
name, and holds everything that the application has registered there. This servicer
knows only the service's own files and those of health, reflection and error details. It
reads them at the first request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from importlib import resources
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from ops_service.v1 import maintenance_service_pb2

V1 = "grpc.reflection.v1"
V1ALPHA = reflection_pb2.DESCRIPTOR.package


def reflection_handlers(
    services: Iterable[str], servicer: ReflectionServicer
) -> list[grpc.GenericRpcHandler]:
    """Create handlers of reflection services. v1 and v1alpha share one method and wire format."""
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {"ServerReflectionInfo": handler}
    return [grpc.method_handlers_generic_handler(name, methods) for name in services]


class ReflectionServicer:
    """Answers with the files that define the requested item, and the files they import.

    Args:
        service_names: What ``list_services`` returns.
    """

    def __init__(self, service_names: Iterable[str]) -> None:
        self._service_names = sorted(service_names)
        self._known: DescriptorFiles | None = None

    async def ServerReflectionInfo(
        self, requests: AsyncIterator[reflection_pb2.ServerReflectionRequest], context: Any
    ) -> AsyncIterator[reflection_pb2.ServerReflectionResponse]:
        """Answer each request of the stream, in order."""
        async for request in requests:
            reply = reflection_pb2.ServerReflectionResponse(
                valid_host=request.host, original_request=request
            )
            try:
                self._answer(request, reply)
            except LookupError as error:
                reply.error_response.error_code = grpc.StatusCode.NOT_FOUND.value[0]
                reply.error_response.error_message = str(error.args[0])
            yield reply

    @property
    def _files(self) -> DescriptorFiles:
        if self._known is None:
            self._known = DescriptorFiles(_read_files())
        return self._known

    def _answer(
        self,
        request: reflection_pb2.ServerReflectionRequest,
        reply: reflection_pb2.ServerReflectionResponse,
    ) -> None:
        found = reply.file_descriptor_response.file_descriptor_proto
        match request.WhichOneof("message_request"):
            case "list_services":
                for name in self._service_names:
                    reply.list_services_response.service.add(name=name)
            case "file_by_filename":
                found.extend(self._files.named(request.file_by_filename))
            case "file_containing_symbol":
                found.extend(self._files.defining(request.file_containing_symbol))
            case "file_containing_extension":
                asked = request.file_containing_extension
                found.extend(self._files.extending(asked.containing_type, asked.extension_number))
            case "all_extension_numbers_of_type":
                name = request.all_extension_numbers_of_type
                numbers = self._files.extension_numbers(name)
                reply.all_extension_numbers_response.base_type_name = name
                reply.all_extension_numbers_response.extension_number.extend(numbers)
            case _:
                reply.error_response.error_code = grpc.StatusCode.INVALID_ARGUMENT.value[0]
                reply.error_response.error_message = "The request is empty; set one field."


class DescriptorFiles:
    """Serialized files, indexed by what they define. Lookups raise LookupError with a sentence."""

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        self._data: dict[str, bytes] = {}
        self._imports: dict[str, tuple[str, ...]] = {}
        self._file_of: dict[str, str] = {}
        self._extensions: dict[str, dict[int, str]] = {}
        self._types: set[str] = set()
        for file in files:
            self._data[file.name] = file.SerializeToString(deterministic=True)
            self._imports[file.name] = tuple(file.dependency)
            for name, element in _elements(file):
                self._file_of[name] = file.name
                if isinstance(element, DescriptorProto):
                    self._types.add(name)
                elif isinstance(element, FieldDescriptorProto) and element.extendee:
                    extended = self._extensions.setdefault(element.extendee.lstrip("."), {})
                    extended[element.number] = file.name

    def named(self, name: str) -> list[bytes]:
        """The file of this name, then all files that it imports, directly or not."""
        if name not in self._data:
            raise LookupError(f"No file {name!r} is served here.")
        found = {name: self._data[name]}
        waiting = list(self._imports[name])
        while waiting:
            each = waiting.pop()
            if each not in found:
                found[each] = self._data[each]
                waiting.extend(self._imports[each])
        return list(found.values())

    def defining(self, symbol: str) -> list[bytes]:
        """The file that defines a service, method, message, enum, field or value."""
        if symbol not in self._file_of:
            raise LookupError(f"No symbol {symbol!r} is served here.")
        return self.named(self._file_of[symbol])

    def extending(self, message: str, number: int) -> list[bytes]:
        """The file that defines the extension of a message with this number."""
        numbers = self._extensions.get(message, {})
        if number not in numbers:
            raise LookupError(f"No extension {number} of {message!r} is served here.")
        return self.named(numbers[number])

    def extension_numbers(self, message: str) -> list[int]:
        """The numbers of all extensions of a message."""
        if message not in self._types:
            raise LookupError(f"No message {message!r} is served here.")
        return sorted(self._extensions.get(message, {}))


def _elements(file: FileDescriptorProto) -> Iterator[tuple[str, Any]]:
    """Everything that a file defines, by full name."""
    scope = f"{file.package}." if file.package else ""
    for service in file.service:
        yield f"{scope}{service.name}", service
        for method in service.method:
            yield f"{scope}{service.name}.{method.name}", method
    yield from _within(scope, file.message_type, file.enum_type, file.extension)


def _within(
    scope: str,
    messages: Iterable[DescriptorProto],
    enums: Iterable[EnumDescriptorProto],
    extensions: Iterable[FieldDescriptorProto],
) -> Iterator[tuple[str, Any]]:
    for message in messages:
        yield f"{scope}{message.name}", message
        inner = f"{scope}{message.name}."
        parts: tuple[Any, ...] = (*message.field, *message.oneof_decl)
        for part in parts:
            yield f"{inner}{part.name}", part
        yield from _within(inner, message.nested_type, message.enum_type, message.extension)
    for enum in enums:
        yield f"{scope}{enum.name}", enum
        # A value has the scope of its enum, as in C++.
        for value in enum.value:
            yield f"{scope}{value.name}", value
    for extension in extensions:
        yield f"{scope}{extension.name}", extension


def _read_files() -> list[FileDescriptorProto]:
    """The committed set, and the other files on the wire, which have no comments."""
    try:
        data = resources.files("ops_service.v1").joinpath("descriptor_set.binpb").read_bytes()
    except OSError:
        # Tools that freeze an application leave data files out. Only comments are lost.
        data = b""
    files = {file.name: file for file in FileDescriptorSet.FromString(data).file}
    modules = (
        maintenance_service_pb2,
        health_pb2,
        reflection_pb2,
        error_details_pb2,
        status_pb2,
    )
    waiting: list[Any] = [module.DESCRIPTOR for module in modules]
    while waiting:
        descriptor = waiting.pop()
        if descriptor.name not in files:
            files[descriptor.name] = FileDescriptorProto()
            descriptor.CopyToProto(files[descriptor.name])
            waiting.extend(descriptor.dependencies)
    stable = _as_v1(files[reflection_pb2.DESCRIPTOR.name])
    return [*files.values(), stable]


def _as_v1(alpha: FileDescriptorProto) -> FileDescriptorProto:
    """The file of v1, which grpcio does not have: v1alpha's file under another package."""
    file = FileDescriptorProto()
    file.CopyFrom(alpha)
    file.name = alpha.name.replace("v1alpha", "v1")
    file.package = V1
    for field in (field for message in file.message_type for field in message.field):
        if field.type_name:
            field.type_name = _in_v1(field.type_name)
    for method in (method for service in file.service for method in service.method):
        method.input_type = _in_v1(method.input_type)
        method.output_type = _in_v1(method.output_type)
    return file


def _in_v1(type_name: str) -> str:
    return type_name.replace(f".{V1ALPHA}.", f".{V1}.")
