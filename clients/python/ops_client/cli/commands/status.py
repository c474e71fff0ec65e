"""opsctl status"""

from __future__ import annotations

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.terminal import as_json, say_facts, say_json, seconds, size
from ops_service.v1 import process_pb2


@command
async def status(
    connection: Connection,
    json: Json = False,
) -> None:
    """Show facts about the process."""
    async with connection.open() as client:
        reply = await client.get_process()
    if json:
        say_json(as_json(reply))
        return
    say_facts(_facts(reply))


def _facts(reply: process_pb2.GetProcessResponse) -> dict[str, str]:
    collector, engine = reply.garbage_collector, reply.snapshot_engine
    state = "on" if collector.enabled else "off"
    if collector.frozen_count:
        state += f", {collector.frozen_count:,} objects frozen"
    if collector.collection_counts:
        state += f", {collector.collection_counts[-1]:,} full collections"
    facts = {
        "process": f"{reply.process.pid} on {reply.process.host_name}",
        "instance": reply.process.instance_id,
        "uptime": seconds(reply.uptime.ToTimedelta().total_seconds()),
        "resident": size(reply.resident_bytes) if reply.resident_bytes else "not known",
        "threads": str(reply.thread_count),
        "python": f"{reply.python_implementation} {reply.python_version}",
        "service": (
            f"{reply.service_version}, grpcio {reply.grpcio_version}, "
            f"protobuf {reply.protobuf_version}"
        ),
        "collector": state,
        "snapshots": (
            f"available, compiled for {engine.compiled_for}"
            if engine.available
            else f"not available: {engine.unavailable_reason}"
        ),
        "evaluation": "on" if reply.evaluation_enabled else "off",
        "interpreters": _interpreters(reply.interpreters),
    }
    for number, running in enumerate(reply.running_evaluations, 1):
        facts[f"evaluation {number}"] = (
            f"{running.evaluation_id} by {running.principal}, for "
            f"{seconds(running.elapsed.ToTimedelta().total_seconds())}"
            + (", past its time limit" if running.past_time_limit else "")
        )
    if reply.arguments:
        facts["arguments"] = " ".join(map(_setting, reply.arguments))
    if reply.environment:
        facts["environment"] = " ".join(map(_setting, reply.environment))
    for number, run in enumerate(reply.running_operations, 1):
        facts[f"operation {number}"] = (
            f"{run.operation} by {run.principal}, for "
            f"{seconds(run.elapsed.ToTimedelta().total_seconds())}"
            + (", past its time limit" if run.past_time_limit else "")
        )
    return facts


def _interpreters(found: process_pb2.Interpreters) -> str:
    if not found.HasField("count"):
        return f"not known. {found.unknown_reason}".rstrip()
    if found.count == 1:
        return "1"
    text = f"{found.count}, the service in number {found.service_interpreter_id}"
    if found.own_gil_count:
        text += f"; {found.own_gil_count} with a GIL of their own, which snapshots leave out"
    return text


def _setting(setting: process_pb2.StartSetting) -> str:
    return f"{setting.name}={setting.value}" if setting.HasField("value") else setting.name
