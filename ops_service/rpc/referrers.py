"""FindReferrers: translates the request and the paths that the search found."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

from ops_service.config.model import HeapConfig
from ops_service.errors import InvalidRequest
from ops_service.heap.holder_graph import Holders, find_holders
from ops_service.heap.referrers import ReferrerOptions, Referrers, Step, StepKind, find_referrers
from ops_service.messages.basics import (
    clean,
    duration,
    limit_field,
    process_id,
    seconds_field,
    timestamp,
)
from ops_service.process.identity import ProcessIdentity
from ops_service.threads import Threads
from ops_service.v1 import heap_graph_pb2, referrers_pb2

_TYPE_NAME_MAX = 1000
_TIME_LIMIT_MAX = 60.0
# Share of its lifetime for the search; the child needs the rest to report its results.
_TELLING_SHARE = 0.5

_KINDS: dict[StepKind, referrers_pb2.ReferrerKind] = {
    StepKind.OBJECT: referrers_pb2.REFERRER_KIND_OBJECT,
    StepKind.MODULES: referrers_pb2.REFERRER_KIND_MODULES,
    StepKind.INTERPRETER: referrers_pb2.REFERRER_KIND_INTERPRETER,
    StepKind.THREAD: referrers_pb2.REFERRER_KIND_THREAD,
    StepKind.FRAME: referrers_pb2.REFERRER_KIND_FRAME,
    StepKind.OWN: referrers_pb2.REFERRER_KIND_OPS_SERVICE,
    StepKind.HELD_BY_C: referrers_pb2.REFERRER_KIND_HELD_BY_C,
    StepKind.GARBAGE: referrers_pb2.REFERRER_KIND_GARBAGE,
    StepKind.OTHER_INTERPRETER: referrers_pb2.REFERRER_KIND_OTHER_INTERPRETER,
}


class ReferrersHandler:
    """Serves FindReferrers."""

    def __init__(self, identity: ProcessIdentity, threads: Threads, heap: HeapConfig) -> None:
        self._identity = identity
        self._threads = threads
        self._heap = heap

    async def find(
        self, request: referrers_pb2.FindReferrersRequest, context: Any
    ) -> referrers_pb2.FindReferrersResponse:
        target = _target(request)
        breadth = limit_field(request.breadth, field="breadth", default=10, high=100)
        heap = self._heap
        time_limit = seconds_field(
            request.time_limit,
            is_set=request.HasField("time_limit"),
            field="time_limit",
            default=10.0,
            low=0.1,
            high=_TIME_LIMIT_MAX,
        )
        options = ReferrerOptions(
            time_limit=min(time_limit, heap.lifetime_limit_seconds * _TELLING_SHARE),
            lifetime_limit=heap.lifetime_limit_seconds,
            cpu_share=heap.cpu_share,
        )
        cancel = threading.Event()

        def search() -> tuple[Referrers, Holders]:
            found = find_referrers(target, options, cancel.is_set)
            return found, find_holders(
                found, breadth=breadth, folded=request.WhichOneof("target") == "type_name"
            )

        found, holders = await self._threads.run(search, cancel=cancel.set)
        cuts = list(_cuts(found, holders))
        return referrers_pb2.FindReferrersResponse(
            process=process_id(self._identity),
            capture_time=timestamp(found.capture_time),
            clone_pause=duration(found.pause),
            object_count=found.object_count,
            way_count=found.way_count if isinstance(target, int) else len(found.ways),
            paths=[
                referrers_pb2.ReferrerPath(
                    text=clean(path.text), count=path.count, nodes=path.nodes
                )
                for path in holders.paths
            ],
            nodes=[_node(node.step, is_target=node.is_target) for node in holders.nodes],
            edges=[
                _edge(source, end, step)
                for (source, end), step in zip(holders.edges, holders.edge_steps, strict=True)
            ],
            dot=clean(holders.dot()),
            cut=bool(cuts),
            warnings=[*cuts, *found.warnings],
        )


def _target(request: referrers_pb2.FindReferrersRequest) -> int | str:
    kind = request.WhichOneof("target")
    if kind is None:
        raise InvalidRequest(
            "The target is missing; choose an object_id or a type_name.",
            details={"field": "target"},
        )
    if kind == "object_id":
        if request.object_id == 0:
            raise InvalidRequest(
                "object_id is 0, which stands for objects without an id; choose one that a "
                "snapshot or a report shows, or a type_name.",
                details={"field": "object_id"},
            )
        return request.object_id
    name = request.type_name
    if not name or len(name) > _TYPE_NAME_MAX or "\0" in name:
        raise InvalidRequest(
            "type_name is empty, too long or contains a NUL; choose module and qualified name, as "
            "a summary prints them.",
            details={"field": "type_name"},
        )
    return name


def _cuts(found: Referrers, holders: Holders) -> Iterator[str]:
    if found.is_partial:
        yield "The time limit ended the search: objects that were not reached by then are missing."
    if len(found.ways) < found.way_count:
        yield f"{len(found.ways)} of {found.way_count} ways to the target were examined."
    if len(holders.paths) < holders.path_count:
        yield (
            f"{holders.path_count - len(holders.paths)} more paths were found; a larger breadth "
            "returns them."
        )
    if any(step.left_out for step in holders.edge_steps):
        yield "Steps in the middle of very long paths are left out."


def _node(step: Step, *, is_target: bool) -> referrers_pb2.ReferrerNode:
    return referrers_pb2.ReferrerNode(
        kind=_KINDS[step.what],
        id=step.object_id,
        type_name=clean(step.type_name),
        name=clean(step.name),
        is_target=is_target,
    )


def _edge(source: int, target: int, step: Step) -> referrers_pb2.ReferrerEdge:
    is_element = step.edge_kind == heap_graph_pb2.EDGE_KIND_ELEMENT and not step.edge_name
    return referrers_pb2.ReferrerEdge(
        source=source,
        target=target,
        kind=cast(heap_graph_pb2.EdgeKind, step.edge_kind),
        name=clean(step.edge_name),
        element=step.element if is_element else 0,
        left_out=step.left_out,
    )
