"""What the contract must say about every method."""

from __future__ import annotations

from importlib import resources

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor

from ops_service.v1 import annotations_pb2, maintenance_service_pb2

METHODS: list[MethodDescriptor] = [
    method
    for service in maintenance_service_pb2.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


def required_capability(method: MethodDescriptor) -> int:
    return int(method.GetOptions().Extensions[annotations_pb2.required_capability])


def is_stream(method: MethodDescriptor) -> bool:
    proto = descriptor_pb2.ServiceDescriptorProto()
    method.containing_service.CopyToProto(proto)
    return proto.method[method.index].server_streaming


def comments() -> dict[str, str]:
    """The comment above each method, from the descriptor set that grpcurl reads."""
    data = resources.files("ops_service.v1").joinpath("descriptor_set.binpb").read_bytes()
    found = {}
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        for location in file.source_code_info.location:
            match list(location.path):
                case [6, service, 2, method]:  # FileDescriptorProto.service[].method[]
                    name = file.service[service].method[method].name
                    found[name] = " ".join(location.leading_comments.split())
    return found


each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


def test_the_contract_has_methods() -> None:
    assert {method.name for method in METHODS} >= {"GetPrincipal", "CaptureHeapSnapshot"}


@each_method
def test_a_method_names_the_capability_that_it_needs(method: MethodDescriptor) -> None:
    assert required_capability(method) != annotations_pb2.CAPABILITY_UNSPECIFIED


@each_method
def test_the_comment_says_who_may_call_and_what_it_costs(method: MethodDescriptor) -> None:
    name = annotations_pb2.Capability.Name(required_capability(method))
    capability = name.removeprefix("CAPABILITY_")
    caller = "any authenticated peer" if capability == "AUTHENTICATED" else capability

    assert f"Caller: {caller}" in comments()[method.name]
    assert "Cost to the host:" in comments()[method.name]


@each_method
def test_a_request_can_pin_the_process(method: MethodDescriptor) -> None:
    assert method.input_type.fields_by_name["instance_id"].number == 1


@pytest.mark.parametrize(
    "method", [method for method in METHODS if is_stream(method)], ids=lambda method: method.name
)
def test_a_stream_has_a_header_parts_and_an_end(method: MethodDescriptor) -> None:
    parts = [field.name for field in method.output_type.fields]
    header = method.output_type.fields_by_name["header"].message_type

    assert [oneof.name for oneof in method.output_type.oneofs] == ["part"]
    assert parts[0] == "header"
    assert parts[-1] in ("trailer", "result")
    assert header.fields_by_name["process"].message_type.name == "ProcessId"


@pytest.mark.parametrize(
    "method",
    [method for method in METHODS if not is_stream(method)],
    ids=lambda method: method.name,
)
def test_a_response_names_the_process(method: MethodDescriptor) -> None:
    assert method.output_type.fields_by_name["process"].message_type.name == "ProcessId"
