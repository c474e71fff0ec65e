"""Stacks of a process, as text and folded for flame graphs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ops_service.v1 import stacks_pb2

_OWNERS: dict[int, str] = {
    stacks_pb2.STACK_OWNER_THREAD: "thread",
    stacks_pb2.STACK_OWNER_TASK: "task",
    stacks_pb2.STACK_OWNER_GREENLET: "greenlet",
}
# Maximum members of a group that the text names.
_NAMES = 5


@dataclass(frozen=True, slots=True)
class Stacks:
    """The stacks of a process."""

    header: stacks_pb2.StacksHeader
    groups: tuple[stacks_pb2.StackGroup, ...]
    """Threads, tasks and greenlets grouped by equal stack, largest group first."""
    trailer: stacks_pb2.StacksTrailer
    """Counts, and cycles of members that wait for each other."""

    def folded(self) -> str:
        """Return one line per stack, in the format of flame graph tools.

        ``task;main (app.py:1);fetch (app.py:9) 20000``: frames from the outermost
        inwards, then the number of members with this stack.
        """
        lines = []
        for group in self.groups:
            frames = [owner_name(group.owner), *map(_folded_frame, group.frames)]
            lines.append(f"{';'.join(frames)} {group.count}\n")
        return "".join(lines)

    def text(self) -> str:
        """Return text for people: cycles of waits first, then each group like a traceback."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        trailer = self.trailer
        for cycle in trailer.cycles:
            yield "These wait for each other in a circle:"
            names = [step.name for step in cycle.steps]
            for step, following in zip(cycle.steps, [*names[1:], names[0]], strict=True):
                yield f"  {step.name} waits for {following} ({step.what})"
            yield ""
        sampled = self.header.HasField("sample_distance")
        for group in self.groups:
            yield from _group_lines(group, sampled)
            yield ""
        yield (
            f"{trailer.thread_count} threads, {trailer.task_count} tasks and "
            f"{trailer.greenlet_count} suspended greenlets, with {trailer.group_count} different "
            "stacks."
        )
        if len(self.groups) < trailer.group_count:
            yield f"The {len(self.groups)} largest groups are shown."


def owner_name(owner: int) -> str:
    """Return the word for a kind of stack owner."""
    return _OWNERS.get(owner, "unknown")


def _folded_frame(frame: stacks_pb2.StackFrame) -> str:
    # A name must not contain the separators of frames and counts.
    name = f"{frame.function} ({frame.file}:{frame.line})"
    return name.replace(";", ":").replace("\n", " ")


def _group_lines(group: stacks_pb2.StackGroup, sampled: bool) -> Iterator[str]:
    owner = owner_name(group.owner)
    moved = ""
    if sampled and group.unmoved_count:
        moved = ", did not move" if group.count == 1 else f", {group.unmoved_count} did not move"
    yield f"{group.count} {owner}{'s' if group.count > 1 else ''}{moved}"
    for member in group.members[:_NAMES]:
        yield f"  {_member_line(member)}"
    left = group.count - min(_NAMES, len(group.members))
    if left:
        yield f"  and {left} more"
    for frame in group.frames:
        yield f"    {frame.file}:{frame.line} in {frame.function}"
    if not group.frames:
        yield "    (no frames)"
    if group.frames_left_out:
        yield f"    and {group.frames_left_out} more frames"
    if group.created_frames:
        yield "    created at"
        for frame in group.created_frames:
            yield f"      {frame.file}:{frame.line} in {frame.function}"


def _member_line(member: stacks_pb2.StackMember) -> str:
    line = repr(member.name) if member.name else f"{member.id:#x}"
    if member.native_id:
        line += f", native id {member.native_id}"
    if member.daemon:
        line += ", daemon"
    if member.HasField("cpu_time"):
        line += f", {member.cpu_time.ToNanoseconds() / 1e6:.0f} ms of CPU between the samples"
    if member.HasField("wait"):
        line += f", waits for {member.wait.what}"
        if member.wait.object_id:
            line += f" at {member.wait.object_id:#x}"
        if member.wait.holder:
            line += f" of {member.wait.holder}"
    return line
