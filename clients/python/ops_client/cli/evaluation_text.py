"""Terminal output for evaluated code: what it printed and how it ended."""

from __future__ import annotations

import sys

from ops_client.cli.terminal import complain, printable, say, seconds
from ops_service.v1 import evaluation_pb2


def say_output(piece: evaluation_pb2.EvaluationOutput) -> None:
    """Print a piece of output of evaluated code, to the stream that the code chose."""
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
            f"the code did not start within {elapsed}, and will not run later: the event loop "
            "or the main thread is busy."
        )
    elif result.outcome != evaluation_pb2.EVALUATION_OUTCOME_COMPLETED:
        raised = result.exception
        text = raised.traceback or f"{raised.type_name}: {raised.message}"
        print(printable(text.rstrip("\n"), keep="\n\t"), file=sys.stderr)
    if result.output_truncated:
        complain("the output reached its limit; the rest was dropped.")
