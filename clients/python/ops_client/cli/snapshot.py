"""The file of a capture or a download as an option, and its printed result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops_client import CapturedSnapshot
from ops_client.cli.terminal import as_json, complain, say, say_json, seconds, size
from ops_service.v1 import heap_graph_pb2

SnapshotFile = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FILE", help="The snapshot file. Replaced if it exists."
    ),
]


def say_snapshot(snapshot: CapturedSnapshot, verb: str, *, json: bool) -> None:
    """Print the figures of a snapshot, as sentences or as JSON."""
    trailer = snapshot.trailer
    if json:
        say_json(
            {
                "path": str(snapshot.path),
                "header": as_json(snapshot.header),
                "trailer": as_json(trailer),
                "audit_hash": snapshot.audit_hash,
            }
        )
        return
    say(
        f"{verb} {trailer.object_count:,} objects ({size(trailer.total_size)}) and "
        f"{trailer.edge_count:,} edges of process {snapshot.header.process.pid} into "
        f"{snapshot.path} ({size(trailer.byte_count)})."
    )
    pause = seconds(trailer.clone_pause.ToTimedelta().total_seconds())
    say(f"The process stood still for {pause}.")
    header = snapshot.header
    if header.content_level != heap_graph_pb2.CONTENT_LEVEL_NONE or header.strings_hashed:
        say("The file contains data of the process: protect it like that data.")
    if snapshot.audit_hash:
        say(f"Audit record {snapshot.audit_hash}")
    for warning in trailer.warnings:
        complain(warning)
