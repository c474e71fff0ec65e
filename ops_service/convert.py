"""Between plain Python values and messages of the contract."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from ops_service.config import EvaluationConfig
from ops_service.errors import EvaluationDisabled, InvalidRequest
from ops_service.heap.model import ContentLevel, Contents, GcMoment, Sites, WalkMode
from ops_service.process.command import Setting
from ops_service.process.identity import ProcessIdentity
from ops_service.repl.evaluation import Bounds, Evaluation, Outcome, Result
from ops_service.repl.evaluator import Evaluator
from ops_service.repl.output import STDERR, STDOUT
from ops_service.v1 import evaluation_pb2, heap_graph_pb2, heap_pb2, process_pb2

_MAX_SOURCE_BYTES = 1 << 20
_MAX_WARNINGS = 100

# A message of these stays far under the 4 MiB that clients take by default.
_OUTPUT_CHARACTERS = 64 << 10

CENSUS_METHODS: dict[WalkMode, heap_pb2.CensusMethod] = {
    WalkMode.FORKED: heap_pb2.CENSUS_METHOD_FORKED_WALK,
    WalkMode.OBJGRAPH: heap_pb2.CENSUS_METHOD_OBJGRAPH,
}

CAPTURE_MODES: dict[WalkMode, heap_graph_pb2.CaptureMode] = {
    WalkMode.FORKED: heap_graph_pb2.CAPTURE_MODE_FORKED,
}

ALLOCATION_SITES: dict[Sites, heap_graph_pb2.AllocationSites] = {
    Sites.NOT_TRACED: heap_graph_pb2.ALLOCATION_SITES_NOT_TRACED,
    Sites.INCLUDED: heap_graph_pb2.ALLOCATION_SITES_INCLUDED,
    Sites.OUT_OF_REACH: heap_graph_pb2.ALLOCATION_SITES_OUT_OF_REACH,
}

GC_MOMENTS: dict[heap_graph_pb2.GcMoment, GcMoment] = {
    heap_graph_pb2.GC_MOMENT_UNSPECIFIED: GcMoment.NOW,
    heap_graph_pb2.GC_MOMENT_NOW: GcMoment.NOW,
    heap_graph_pb2.GC_MOMENT_COLLECT_FIRST: GcMoment.COLLECT_FIRST,
    heap_graph_pb2.GC_MOMENT_AFTER_NEXT_FULL_COLLECTION: GcMoment.AFTER_NEXT_FULL_COLLECTION,
}

CONTENT_LEVELS: dict[ContentLevel, heap_graph_pb2.ContentLevel] = {
    ContentLevel.NONE: heap_graph_pb2.CONTENT_LEVEL_NONE,
    ContentLevel.KEYS: heap_graph_pb2.CONTENT_LEVEL_KEYS,
    ContentLevel.VALUES: heap_graph_pb2.CONTENT_LEVEL_VALUES,
}

_LEVELS_ASKED_FOR = {
    heap_graph_pb2.CONTENT_LEVEL_UNSPECIFIED: ContentLevel.NONE,
    **{asked: level for level, asked in CONTENT_LEVELS.items()},
}

_OUTCOMES: dict[Outcome, evaluation_pb2.EvaluationOutcome] = {
    Outcome.COMPLETED: evaluation_pb2.EVALUATION_OUTCOME_COMPLETED,
    Outcome.RAISED: evaluation_pb2.EVALUATION_OUTCOME_RAISED,
    Outcome.INVALID_SOURCE: evaluation_pb2.EVALUATION_OUTCOME_INVALID_SOURCE,
    Outcome.TIMED_OUT: evaluation_pb2.EVALUATION_OUTCOME_TIMED_OUT,
    Outcome.STILL_RUNNING: evaluation_pb2.EVALUATION_OUTCOME_STILL_RUNNING,
}

_OUTPUT_STREAMS: dict[str, evaluation_pb2.OutputStream] = {
    STDOUT: evaluation_pb2.OUTPUT_STREAM_STDOUT,
    STDERR: evaluation_pb2.OUTPUT_STREAM_STDERR,
}


def duration(seconds: float) -> Duration:
    """A Duration of so many seconds."""
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def timestamp(unix_time: float) -> Timestamp:
    """A Timestamp of a Unix time in seconds."""
    message = Timestamp()
    message.FromNanoseconds(round(unix_time * 1e9))
    return message


def process_id(identity: ProcessIdentity) -> process_pb2.ProcessId:
    """The identity that every reply names."""
    message = process_pb2.ProcessId(
        instance_id=identity.instance_id, pid=identity.pid, host_name=identity.host_name
    )
    if identity.start_time is not None:
        message.start_time.CopyFrom(timestamp(identity.start_time))
    return message


def seconds_field(
    message: Duration, *, is_set: bool, field: str, default: float, low: float, high: float
) -> float:
    """Seconds of a Duration in a request, or the default where it is not set.

    Raises:
        InvalidRequest: It lies outside the bounds. Names the field and the bounds.
    """
    if not is_set:
        return default
    seconds = message.seconds + message.nanos / 1e9
    if not low <= seconds <= high:
        raise InvalidRequest(
            f"{field} is {seconds:g} s; choose from {low:g} s to {high:g} s.",
            details={"field": field},
        )
    return seconds


def limit_field(value: int, *, field: str, default: int, high: int) -> int:
    """A count in a request, or the default where it is 0.

    Raises:
        InvalidRequest: It is over the bound.
    """
    if value > high:
        raise InvalidRequest(
            f"{field} is {value}; choose at most {high}.", details={"field": field}
        )
    return value or default


def contents(request: heap_pb2.CaptureHeapSnapshotRequest) -> Contents:
    """What a capture is asked to tell of contents.

    Raises:
        InvalidRequest: The limit is over its bound.
    """
    limit = limit_field(request.content_limit, field="content_limit", default=64, high=4096)
    return Contents(_LEVELS_ASKED_FOR[request.content_level], limit, request.hash_strings)


def add_warning(warnings: list[str], text: str) -> None:
    """Add a warning. The count of them is bounded; the last one says so."""
    if len(warnings) < _MAX_WARNINGS:
        warnings.append(text)
    elif len(warnings) == _MAX_WARNINGS:
        warnings.append("Further warnings were left out.")


def evaluation_bounds(
    request: evaluation_pb2.EvaluateCodeRequest, config: EvaluationConfig
) -> Bounds:
    """Bounds of an evaluation.

    Raises:
        EvaluationDisabled: Evaluation is off here.
        InvalidRequest: The source is too long, or the time limit out of bounds.
    """
    if not config.enabled:
        raise EvaluationDisabled(
            "Evaluation is switched off in this process; set enabled = true under "
            "[evaluation] in its configuration and start it again."
        )
    size = len(request.source.encode())
    if size > _MAX_SOURCE_BYTES:
        raise InvalidRequest(
            f"source is {size} bytes; send at most {_MAX_SOURCE_BYTES}.",
            details={"field": "source"},
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


def evaluation_output(
    runs: list[tuple[str, str]],
) -> Iterator[evaluation_pb2.EvaluationOutput]:
    """Printed text in messages that any client takes."""
    for stream, text in runs:
        for begin in range(0, len(text), _OUTPUT_CHARACTERS):
            yield evaluation_pb2.EvaluationOutput(
                stream=_OUTPUT_STREAMS[stream], text=text[begin : begin + _OUTPUT_CHARACTERS]
            )


def evaluation_result(evaluation: Evaluation, result: Result) -> evaluation_pb2.EvaluationResult:
    """How an evaluation ended."""
    message = evaluation_pb2.EvaluationResult(
        outcome=_OUTCOMES[result.outcome],
        value_repr=result.value_repr,
        value_truncated=result.value_truncated,
        elapsed=duration(evaluation.elapsed),
        output_truncated=evaluation.output.truncated,
    )
    if result.exception is not None:
        message.exception.type_name = result.exception.type_name
        message.exception.message = result.exception.message
        message.exception.traceback = result.exception.traceback
    return message


def start_settings(settings: list[Setting]) -> list[process_pb2.StartSetting]:
    """What the process was started with."""

    def text(value: str) -> str:
        # What is no UTF-8 holds surrogates, which protobuf refuses.
        return value.encode("utf-8", "backslashreplace").decode()

    return [
        process_pb2.StartSetting(
            name=text(each.name), value=None if each.value is None else text(each.value)
        )
        for each in settings
    ]


def running_evaluations(evaluator: Evaluator) -> list[process_pb2.RunningEvaluation]:
    """Evaluations that have not ended."""
    return [
        process_pb2.RunningEvaluation(
            evaluation_id=running.evaluation_id,
            principal=running.principal,
            elapsed=duration(running.elapsed),
            past_time_limit=running.past_time_limit,
        )
        for running in evaluator.running()
    ]
