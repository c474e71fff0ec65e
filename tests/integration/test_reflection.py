"""Server reflection over the wire: v1 and v1alpha, and what is not served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_host import Host
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2

SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
MAINTENANCE = "ops_service.v1.MaintenanceService"

Ask = Callable[..., reflection_pb2.ServerReflectionResponse]


@pytest.fixture(params=SERVICES)
def ask(request: pytest.FixtureRequest, host: Host, viewer: Identity) -> Ask:
    """Return a function for one request: ``ask(file_by_filename="a.proto")``."""
    call = host.channel(viewer).stream_stream(
        f"/{request.param}/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )

    def ask(**what: Any) -> reflection_pb2.ServerReflectionResponse:
        asked = reflection_pb2.ServerReflectionRequest(host="shop", **what)
        (reply,) = call(iter([asked]), timeout=120)
        assert reply.original_request == asked
        assert reply.valid_host == "shop"
        return reply

    return ask


def files(reply: reflection_pb2.ServerReflectionResponse) -> dict[str, FileDescriptorProto]:
    data = reply.file_descriptor_response.file_descriptor_proto
    parsed = [FileDescriptorProto.FromString(each) for each in data]
    return {each.name: each for each in parsed}


def test_all_services_can_be_built_from_what_is_served(ask: Ask) -> None:
    names = [each.name for each in ask(list_services="").list_services_response.service]
    assert names == ["grpc.health.v1.Health", *SERVICES, MAINTENANCE]
    found: dict[str, FileDescriptorProto] = {}
    for name in (*names, "google.rpc.Status", "google.rpc.ErrorInfo", "google.rpc.RetryInfo"):
        found.update(files(ask(file_containing_symbol=name)))
    pool = descriptor_pool.DescriptorPool()

    def add(name: str) -> None:
        if (file := found.pop(name, None)) is not None:
            for each in file.dependency:
                add(each)
            pool.AddSerializedFile(file.SerializeToString())

    for name in list(found):
        add(name)
    for name in names:
        for method in pool.FindServiceByName(name).methods:
            # A method's own name leads to its service's file.
            first = next(iter(files(ask(file_containing_symbol=method.full_name)).values()))
            assert f"{first.package}.{first.service[0].name}" == name


def test_our_files_have_comments_and_come_with_what_they_import(ask: Ask) -> None:
    found = files(ask(file_by_filename="ops_service/v1/maintenance_service.proto"))
    ours = {name: file for name, file in found.items() if name.startswith("ops_service/")}
    assert "ops_service/v1/heap.proto" in ours
    assert [name for name, file in ours.items() if not file.source_code_info.location] == []
    assert {each for file in found.values() for each in file.dependency} <= set(found)


def test_extensions(ask: Ask) -> None:
    options = "google.protobuf.MethodOptions"
    reply = ask(all_extension_numbers_of_type=options).all_extension_numbers_response
    assert reply.base_type_name == options
    (number,) = reply.extension_number
    extension = {"containing_type": options, "extension_number": number}
    assert "ops_service/v1/annotations.proto" in files(ask(file_containing_extension=extension))
    none = ask(all_extension_numbers_of_type="ops_service.v1.ProcessId")
    assert none.all_extension_numbers_response.extension_number == []
    assert not none.HasField("error_response")


NOT_SERVED = {
    "symbol": {"file_containing_symbol": "no.such.Symbol"},
    "file": {"file_by_filename": "no/such.proto"},
    "message": {"all_extension_numbers_of_type": "no.such.Message"},
    "extension": {
        "file_containing_extension": {
            "containing_type": "google.protobuf.MethodOptions",
            "extension_number": 1,
        }
    },
}


@pytest.mark.parametrize("kind", NOT_SERVED)
def test_what_is_not_served(ask: Ask, kind: str) -> None:
    error = ask(**NOT_SERVED[kind]).error_response
    assert error.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert kind in error.error_message
    assert "is served here" in error.error_message


def test_a_request_that_asks_for_nothing(ask: Ask) -> None:
    assert ask().error_response.error_code == grpc.StatusCode.INVALID_ARGUMENT.value[0]


def test_what_the_application_registered_is_not_served(host: Host, ask: Ask) -> None:
    host.run(
        "from google.protobuf import descriptor_pb2, descriptor_pool\n"
        "file = descriptor_pb2.FileDescriptorProto(name='shop/cart.proto', package='shop')\n"
        "file.message_type.add(name='Cart')\n"
        "try: descriptor_pool.Default().AddSerializedFile(file.SerializeToString())\n"
        "except TypeError: pass"
    )
    assert host.run("answer = descriptor_pool.Default().FindFileByName('shop/cart.proto').name")
    assert ask(file_containing_symbol="shop.Cart").HasField("error_response")
