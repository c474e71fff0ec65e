"""opsctl eval"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from ops_client.cli.command import Ca, Cert, Json, Key, ServerName, Target, command, connect
from ops_client.cli.exit_codes import ExitCode
from ops_client.cli.terminal import as_json, complain, printable, say, say_json, seconds
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
            help="An expression, or statements. -: from standard input.",
            callback=_read_source,
        ),
    ],
    target: Target,
    ca: Ca,
    cert: Cert = None,
    key: Key = None,
    server_name: ServerName = "",
    time_limit: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="SECONDS", help="When to stop it."),
    ] = None,
    place: Annotated[
        Place | None,
        typer.Option(
            help="Where to run it. By default in a thread of its own, or on the application's "
            "event loop if it awaits."
        ),
    ] = None,
    audit_hash: Annotated[
        bool,
        typer.Option(
            "--audit-hash",
            help="Print the hash of the audit record too, on standard error. JSON has it always.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Run code in the process, and print its output and value."""
    async with connect(target, ca, cert, key, server_name) as client:
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


def say_output(piece: evaluation_pb2.EvaluationOutput) -> None:
    """Print what evaluated code printed, to the stream that it chose."""
    to_stderr = piece.stream == evaluation_pb2.OUTPUT_STREAM_STDERR
    stream = sys.stderr if to_stderr else sys.stdout
    print(printable(piece.text, keep="\n\t"), end="", file=stream, flush=True)


def say_result(result: evaluation_pb2.EvaluationResult) -> None:
    """Print how an evaluation ended."""
    if result.value_repr:
        say(result.value_repr + ("… (cut)" if result.value_truncated else ""))
    elapsed = seconds(result.elapsed.ToTimedelta().total_seconds())
    if result.outcome == evaluation_pb2.EVALUATION_OUTCOME_TIMED_OUT:
        complain(f"the code was stopped at its time limit, after {elapsed}.")
    elif result.outcome == evaluation_pb2.EVALUATION_OUTCOME_STILL_RUNNING:
        complain(
            f"the code could not be stopped at its time limit and still runs after {elapsed}: it "
            "is in a C call or waits for a lock. See `opsctl status`."
        )
    elif result.outcome == evaluation_pb2.EVALUATION_OUTCOME_INTERRUPTED:
        complain(f"the code was interrupted after {elapsed}.")
    elif result.outcome == evaluation_pb2.EVALUATION_OUTCOME_NOT_STARTED:
        complain(
            f"the code was not taken up within {elapsed}, and will not run later: the event loop "
            "or the main thread is busy."
        )
    elif result.outcome != evaluation_pb2.EVALUATION_OUTCOME_COMPLETED:
        raised = result.exception
        text = raised.traceback or f"{raised.type_name}: {raised.message}"
        print(printable(text.rstrip("\n"), keep="\n\t"), file=sys.stderr)
    if result.output_truncated:
        complain("output was dropped at its limit.")
