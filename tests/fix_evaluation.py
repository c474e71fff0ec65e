"""Evaluate code in a host, over the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fix_certs import Identity
from fix_host import Host
from google.protobuf.duration_pb2 import Duration

from ops_service.v1 import evaluation_pb2, evaluation_place_pb2

COMPLETED = evaluation_pb2.EVALUATION_OUTCOME_COMPLETED
RAISED = evaluation_pb2.EVALUATION_OUTCOME_RAISED
INVALID_SOURCE = evaluation_pb2.EVALUATION_OUTCOME_INVALID_SOURCE
TIMED_OUT = evaluation_pb2.EVALUATION_OUTCOME_TIMED_OUT
STILL_RUNNING = evaluation_pb2.EVALUATION_OUTCOME_STILL_RUNNING
INTERRUPTED = evaluation_pb2.EVALUATION_OUTCOME_INTERRUPTED
NOT_STARTED = evaluation_pb2.EVALUATION_OUTCOME_NOT_STARTED

WORKER_THREAD = evaluation_place_pb2.EVALUATION_PLACE_WORKER_THREAD
EVENT_LOOP = evaluation_place_pb2.EVALUATION_PLACE_EVENT_LOOP
MAIN_THREAD = evaluation_place_pb2.EVALUATION_PLACE_MAIN_THREAD


@dataclass
class Evaluated:
    header: evaluation_pb2.EvaluationHeader
    result: evaluation_pb2.EvaluationResult
    stdout: str = ""
    stderr: str = ""
    parts: list[str] = field(default_factory=list)


def begin_evaluation(
    host: Host, identity: Identity, source: str, *, limit_ms: int = 0, place: int = 0
) -> Any:
    """Start an evaluation. Return the call once its header has arrived."""
    request = evaluation_pb2.EvaluateCodeRequest(source=source, place=place)
    if limit_ms:
        request.time_limit.CopyFrom(Duration(nanos=limit_ms * 1_000_000))
    call = host.stub(identity).EvaluateCode(request, timeout=120)
    call.header = next(call)
    return call


def end_evaluation(call: Any) -> Evaluated:
    """Read an evaluation to its end."""
    responses = [call.header, *call]
    parts = [str(response.WhichOneof("part")) for response in responses]
    texts = {"stdout": "", "stderr": ""}
    for response in responses[1:-1]:
        name = evaluation_pb2.OutputStream.Name(response.output.stream)
        texts[name.removeprefix("OUTPUT_STREAM_").lower()] += response.output.text
    assert parts[0] == "header"
    assert parts[-1] == "result"
    assert set(parts[1:-1]) <= {"output"}
    return Evaluated(responses[0].header, responses[-1].result, parts=parts, **texts)


def evaluate(host: Host, identity: Identity, source: str, **options: int) -> Evaluated:
    """Evaluate code and wait for the end."""
    return end_evaluation(begin_evaluation(host, identity, source, **options))
