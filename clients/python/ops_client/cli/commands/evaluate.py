"""opsctl eval"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.evaluation_text import say_output, say_result
from ops_client.cli.exit_codes import ExitCode
from ops_client.cli.terminal import as_json, say_json
from ops_service.v1 import evaluation_pb2, evaluation_place_pb2

_CODES = {
    evaluation_pb2.EVALUATION_OUTCOME_COMPLETED: ExitCode.OK,
    evaluation_pb2.EVALUATION_OUTCOME_RAISED: ExitCode.CODE_RAISED,
    evaluation_pb2.EVALUATION_OUTCOME_INVALID_SOURCE: ExitCode.CODE_INVALID,
    evaluation_pb2.EVALUATION_OUTCOME_TIMED_OUT: ExitCode.CODE_TIMED_OUT,
    evaluation_pb2.EVALUATION_OUTCOME_STILL_RUNNING: ExitCode.CODE_STILL_RUNNING,
    evaluation_pb2.EVALUATION_OUTCOME_INTERRUPTED: ExitCode.CODE_INTERRUPTED,
    evaluation_pb2.EVALUATION_OUTCOME_NOT_STARTED: ExitCode.CODE_NOT_STARTED,
}


class Place(StrEnum):
    """Where code can run."""

    WORKER_THREAD = "worker-thread"
    EVENT_LOOP = "event-loop"
    MAIN_THREAD = "main-thread"


_PLACES = {
    None: evaluation_place_pb2.EVALUATION_PLACE_UNSPECIFIED,
    Place.WORKER_THREAD: evaluation_place_pb2.EVALUATION_PLACE_WORKER_THREAD,
    Place.EVENT_LOOP: evaluation_place_pb2.EVALUATION_PLACE_EVENT_LOOP,
    Place.MAIN_THREAD: evaluation_place_pb2.EVALUATION_PLACE_MAIN_THREAD,
}


def _read_source(code: str) -> str:
    return sys.stdin.read() if code == "-" else code


@command
async def evaluate(
    code: Annotated[
        str,
        typer.Argument(
            metavar="CODE",
            help="An expression, or statements. - reads standard input.",
            callback=_read_source,
        ),
    ],
    connection: Connection,
    time_limit: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="SECONDS", help="Stop the code after this time."),
    ] = None,
    place: Annotated[
        Place | None,
        typer.Option(
            help="Where to run it. Default: its own thread, or the application's event loop if "
            "it awaits."
        ),
    ] = None,
    audit_hash: Annotated[
        bool,
        typer.Option(
            "--audit-hash",
            help="Also print the hash of the audit record, to standard error. JSON always has it.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Run code in the process, and print its output and value."""
    async with connection.open() as client:
        evaluation = await client.evaluate_code(
            code,
            time_limit=time_limit,
            place=_PLACES[place],
            on_output=None if json else say_output,
        )
    result = evaluation.result
    if json:
        say_json(
            {
                "header": as_json(evaluation.header),
                "output": [as_json(piece) for piece in evaluation.output],
                "result": as_json(result),
                "audit_hash": evaluation.audit_hash,
            }
        )
    else:
        if evaluation.text and not evaluation.text.endswith("\n"):
            print()
        say_result(result)
        if audit_hash:
            print(f"Audit record {evaluation.audit_hash}", file=sys.stderr)
    outcome = _CODES.get(result.outcome, ExitCode.DEFECT)
    if outcome is not ExitCode.OK:
        raise typer.Exit(outcome)
