"""CaptureStacks: translates the request, streams the groups of stacks."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from ops_service.heap.lookup import find_instances
from ops_service.heap.own import is_own
from ops_service.messages.basics import (
    clean,
    duration,
    limit_field,
    process_id,
    seconds_field,
    timestamp,
)
from ops_service.process.identity import ProcessIdentity
from ops_service.process.stack_model import Frame, Member, OwnerKind, StackGroup, Stacks
from ops_service.process.stacks import StackOptions, capture_stacks
from ops_service.threads import Threads
from ops_service.v1 import stacks_pb2

_OWNERS: dict[OwnerKind, stacks_pb2.StackOwner] = {
    OwnerKind.THREAD: stacks_pb2.STACK_OWNER_THREAD,
    OwnerKind.TASK: stacks_pb2.STACK_OWNER_TASK,
    OwnerKind.GREENLET: stacks_pb2.STACK_OWNER_GREENLET,
}


class StacksHandler:
    """Serves CaptureStacks."""

    def __init__(self, identity: ProcessIdentity, threads: Threads) -> None:
        self._identity = identity
        self._threads = threads

    async def capture(self, request: stacks_pb2.CaptureStacksRequest, context: Any) -> None:
        limit = limit_field(request.limit, field="limit", default=1000, high=100_000)
        distance = seconds_field(
            request.sample_distance,
            is_set=request.HasField("sample_distance"),
            field="sample_distance",
            default=1.0,
            low=0.0,
            high=60.0,
        )
        own = request.include_ops_service
        options = StackOptions(
            distance=distance,
            service_loop=asyncio.get_running_loop(),
            skip_service_tasks=not own,
            is_own_thread=None if own else is_own,
            find_instances=find_instances,
        )
        cancel = threading.Event()
        stacks = await self._threads.run(lambda: capture_stacks(options, cancel), cancel=cancel.set)
        header = stacks_pb2.StacksHeader(
            process=process_id(self._identity), sample_time=timestamp(time.time())
        )
        if distance > 0:
            header.sample_distance.CopyFrom(duration(distance))
        await context.write(stacks_pb2.CaptureStacksResponse(header=header))
        for found in stacks.groups[:limit]:
            await context.write(stacks_pb2.CaptureStacksResponse(group=_group(found)))
        await context.write(stacks_pb2.CaptureStacksResponse(trailer=_trailer(stacks)))


def _group(found: StackGroup) -> stacks_pb2.StackGroup:
    group = found.group
    return stacks_pb2.StackGroup(
        owner=_OWNERS[group.kind],
        count=group.count,
        unmoved_count=group.unmoved_count,
        frames=[_frame(frame) for frame in found.frames],
        frames_left_out=found.frames_left_out,
        created_frames=[_frame(frame) for frame in group.created],
        members=[_member(member) for member in group.members],
    )


def _frame(frame: Frame) -> stacks_pb2.StackFrame:
    return stacks_pb2.StackFrame(
        file=clean(frame.file), function=clean(frame.function), line=frame.line
    )


def _member(member: Member) -> stacks_pb2.StackMember:
    message = stacks_pb2.StackMember(
        name=clean(member.name),
        id=member.address,
        native_id=member.native_id,
        daemon=member.daemon,
        unmoved=bool(member.unmoved),
    )
    if member.wait is not None:
        message.wait.what = member.wait.what
        message.wait.object_id = member.wait.address
        message.wait.holder = clean(member.wait.holder)
    if member.cpu_seconds is not None:
        message.cpu_time.CopyFrom(duration(member.cpu_seconds))
    return message


def _trailer(stacks: Stacks) -> stacks_pb2.StacksTrailer:
    return stacks_pb2.StacksTrailer(
        thread_count=stacks.counts[OwnerKind.THREAD],
        task_count=stacks.counts[OwnerKind.TASK],
        greenlet_count=stacks.counts[OwnerKind.GREENLET],
        group_count=len(stacks.groups),
        cycles=[
            stacks_pb2.WaitCycle(
                steps=[
                    stacks_pb2.WaitCycleStep(name=clean(step.name), what=step.what)
                    for step in cycle
                ]
            )
            for cycle in stacks.cycles
        ],
        sample_times=[duration(seconds) for seconds in stacks.sample_seconds],
        warnings=stacks.warnings,
    )
