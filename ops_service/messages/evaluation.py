"""Converts between evaluations and messages of the contract."""

from __future__ import annotations

from collections.abc import Iterator

from ops_service.config.model import EvaluationConfig
from ops_service.errors import EvaluationDisabled, InvalidRequest
from ops_service.messages.basics import duration, seconds_field
from ops_service.messages.values import plain_value
from ops_service.repl.evaluation import Bounds, Evaluation, EvaluationOutcome, EvaluationResult
from ops_service.repl.evaluator import Evaluator
from ops_service.repl.output import STDERR, STDOUT
from ops_service.repl.places import Place
from ops_service.repl.session import Sessions
from ops_service.v1 import evaluation_pb2, evaluation_place_pb2, process_pb2, repl_pb2

_MAX_SOURCE_BYTES = 1 << 20

# Keeps a message far under the 4 MiB that clients accept by default.
_OUTPUT_CHARACTERS = 64 << 10

_OUTCOMES: dict[EvaluationOutcome, evaluation_pb2.EvaluationOutcome] = {
    EvaluationOutcome.COMPLETED: evaluation_pb2.EVALUATION_OUTCOME_COMPLETED,
    EvaluationOutcome.RAISED: evaluation_pb2.EVALUATION_OUTCOME_RAISED,
    EvaluationOutcome.INVALID_SOURCE: evaluation_pb2.EVALUATION_OUTCOME_INVALID_SOURCE,
    EvaluationOutcome.TIMED_OUT: evaluation_pb2.EVALUATION_OUTCOME_TIMED_OUT,
    EvaluationOutcome.STILL_RUNNING: evaluation_pb2.EVALUATION_OUTCOME_STILL_RUNNING,
    EvaluationOutcome.INTERRUPTED: evaluation_pb2.EVALUATION_OUTCOME_INTERRUPTED,
    EvaluationOutcome.NOT_STARTED: evaluation_pb2.EVALUATION_OUTCOME_NOT_STARTED,
}

_OUTPUT_STREAMS: dict[str, evaluation_pb2.OutputStream] = {
    STDOUT: evaluation_pb2.OUTPUT_STREAM_STDOUT,
    STDERR: evaluation_pb2.OUTPUT_STREAM_STDERR,
}

_PLACES: dict[Place, evaluation_place_pb2.EvaluationPlace] = {
    Place.WORKER_THREAD: evaluation_place_pb2.EVALUATION_PLACE_WORKER_THREAD,
    Place.EVENT_LOOP: evaluation_place_pb2.EVALUATION_PLACE_EVENT_LOOP,
    Place.MAIN_THREAD: evaluation_place_pb2.EVALUATION_PLACE_MAIN_THREAD,
}

_ASKED_PLACES: dict[evaluation_place_pb2.EvaluationPlace, Place | None] = {
    evaluation_place_pb2.EVALUATION_PLACE_UNSPECIFIED: None,
    **{message: place for place, message in _PLACES.items()},
}


def evaluation_bounds(
    request: evaluation_pb2.EvaluateCodeRequest | repl_pb2.ReplOpen, config: EvaluationConfig
) -> Bounds:
    """Bounds of an evaluation.

    Raises:
        EvaluationDisabled: Evaluation is off here.
        InvalidRequest: The time limit is out of bounds.
    """
    if not config.enabled:
        raise EvaluationDisabled(
            "Evaluation is switched off in this process; set enabled = true under "
            "[evaluation] in its configuration, check that OPS_SERVICE_EVALUATE is not off in its "
            "environment, and restart it."
        )
    return Bounds(
        time_limit=seconds_field(
            request.time_limit,
            is_set=request.HasField("time_limit"),
            field="time_limit",
            default=config.time_limit_seconds,
            low=0.01,
            high=config.time_limit_seconds,
        ),
        output_limit=config.output_limit_bytes,
        result_limit=config.result_limit_bytes,
    )


def check_source(source: str) -> None:
    """Raise InvalidRequest if a source is too long."""
    size = len(source.encode())
    if size > _MAX_SOURCE_BYTES:
        raise InvalidRequest(
            f"source is {size} bytes; send at most {_MAX_SOURCE_BYTES}.",
            details={"field": "source"},
        )


def evaluation_output(
    runs: list[tuple[str, str]],
) -> Iterator[evaluation_pb2.EvaluationOutput]:
    """Printed text, split into messages that any client accepts."""
    for stream, text in runs:
        for begin in range(0, len(text), _OUTPUT_CHARACTERS):
            yield evaluation_pb2.EvaluationOutput(
                stream=_OUTPUT_STREAMS[stream], text=text[begin : begin + _OUTPUT_CHARACTERS]
            )


def evaluation_result(
    evaluation: Evaluation, result: EvaluationResult
) -> evaluation_pb2.EvaluationResult:
    """The result of an evaluation."""
    message = evaluation_pb2.EvaluationResult(
        outcome=_OUTCOMES[result.outcome],
        value_repr=result.value_repr,
        value_truncated=result.value_truncated,
        elapsed=duration(evaluation.elapsed),
        output_truncated=evaluation.output.truncated,
        source_incomplete=result.source_incomplete,
        place=_PLACES[evaluation.place],
    )
    if result.plain is not None:
        # A copy that is within bounds already.
        message.value.CopyFrom(plain_value(result.plain.data, bounded=False))
    if result.exception is not None:
        message.exception.type_name = result.exception.type_name
        message.exception.message = result.exception.message
        message.exception.traceback = result.exception.traceback
    return message


def running_evaluations(evaluator: Evaluator) -> list[process_pb2.RunningEvaluation]:
    """Evaluations that have not ended."""
    return [
        process_pb2.RunningEvaluation(
            evaluation_id=running.evaluation_id,
            principal=running.principal,
            elapsed=duration(running.elapsed),
            past_time_limit=running.past_time_limit,
            place=_PLACES[running.place],
        )
        for running in evaluator.running()
    ]


def open_sessions(sessions: Sessions) -> list[process_pb2.ReplSession]:
    """Interactive sessions that are open."""
    return [
        process_pb2.ReplSession(
            principal=each.principal,
            idle=duration(each.idle),
            connected=each.connected,
            running=each.running,
        )
        for each in sessions.list()
    ]


def evaluation_places(
    evaluator: Evaluator, config: EvaluationConfig
) -> list[evaluation_place_pb2.EvaluationPlace]:
    """The places where code can be evaluated now."""
    return [_PLACES[place] for place in evaluator.places.offered()] if config.enabled else []


def asked_place(request: evaluation_pb2.EvaluateCodeRequest | repl_pb2.ReplOpen) -> Place | None:
    """The place that a request selects for its code. None leaves the choice to the source."""
    return _ASKED_PLACES[request.place]
