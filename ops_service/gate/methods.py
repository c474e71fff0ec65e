"""The capability that each method needs, read from the contract itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from ops_service.v1 import (
    annotations_pb2,
    evaluation_pb2,
    heap_graph_pb2,
    heap_pb2,
    maintenance_service_pb2,
    operations_pb2,
    referrers_pb2,
    repl_pb2,
    store_pb2,
)

HEALTH_SERVICE = "grpc.health.v1.Health"
REFLECTION_SERVICES = (
    "grpc.reflection.v1.ServerReflection",
    # Used by clients that do not know v1, or that are refused it.
    "grpc.reflection.v1alpha.ServerReflection",
)
MAINTENANCE_SERVICE = maintenance_service_pb2.DESCRIPTOR.services_by_name[
    "MaintenanceService"
].full_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """The gate's facts about a method."""

    path: str
    """As on the wire: ``/package.Service/Method``."""
    capability: str
    """The capability that a caller needs: a name of ``Capability`` without its prefix."""
    client_streaming: bool = False
    server_streaming: bool = False
    is_ours: bool = False
    """Whether the maintenance service defines it: requests carry an instance_id, and replies a
    ProcessId."""
    is_health: bool = False
    """Whether it has separate slots, so that probes get answers while callers wait."""
    audit_first: bool = False
    """Whether its audit record must be on disk before the work begins."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


_FOREIGN_METHODS = (
    *(
        Method(
            path=f"/{HEALTH_SERVICE}/{name}",
            capability="AUTHENTICATED",
            server_streaming=name == "Watch",
            is_health=True,
        )
        for name in ("Check", "Watch", "List")
    ),
    *(
        Method(
            path=f"/{name}/ServerReflectionInfo",
            capability="INSPECT",
            client_streaming=True,
            server_streaming=True,
        )
        for name in REFLECTION_SERVICES
    ),
)

# Snapshots and evaluations are what an attacker would want.
_AUDITED_FIRST = (
    heap_pb2.CaptureHeapSnapshotRequest.DESCRIPTOR,
    referrers_pb2.FindReferrersRequest.DESCRIPTOR,
    store_pb2.ReadSnapshotRequest.DESCRIPTOR,
    evaluation_pb2.EvaluateCodeRequest.DESCRIPTOR,
    repl_pb2.OpenReplRequest.DESCRIPTOR,
)


def required_capability(method: MethodDescriptor) -> str | None:
    """Name of the capability that a method's option requires. None without one."""
    extensions: Any = method.GetOptions().Extensions
    value: int = extensions[annotations_pb2.required_capability]
    if value == annotations_pb2.CAPABILITY_UNSPECIFIED:
        return None
    return str(annotations_pb2.Capability.Name(value)).removeprefix("CAPABILITY_")


def known_methods() -> dict[str, Method]:
    """All callable methods, by path. Any other method is refused."""
    methods = {method.path: method for method in _FOREIGN_METHODS}
    service = maintenance_service_pb2.DESCRIPTOR.services_by_name["MaintenanceService"]
    for descriptor in service.methods:
        capability = required_capability(descriptor)
        if capability is None:
            continue
        path = f"/{service.full_name}/{descriptor.name}"
        methods[path] = Method(
            path=path,
            capability=capability,
            client_streaming=descriptor.client_streaming,
            server_streaming=descriptor.server_streaming,
            is_ours=True,
            audit_first=descriptor.input_type in _AUDITED_FIRST,
        )
    return methods


def extra_capabilities(request: Message) -> Iterator[tuple[str, str]]:
    """Capabilities that a request needs beyond its method's: each name, and its purpose."""
    if not isinstance(request, heap_pb2.CaptureHeapSnapshotRequest):
        return
    if request.gc_moment == heap_graph_pb2.GC_MOMENT_COLLECT_FIRST:
        yield "OPERATE", "COLLECT_FIRST, which stops the process while it collects,"
    if request.content_level > heap_graph_pb2.CONTENT_LEVEL_NONE:
        yield "READ_CONTENT", "A content level above NONE"
    if request.hash_strings:
        yield "READ_CONTENT", "A snapshot with hashes of strings"


def invoked_operation(request: Message) -> str | None:
    """The application's operation that a request runs. A grant must list it. None without one."""
    if isinstance(request, operations_pb2.InvokeOperationRequest):
        return request.operation
    return None
