"""EvaluateCode: translates the request, streams the output and the result."""

from __future__ import annotations

from typing import Any

from ops_service.call import current_call
from ops_service.config.model import EvaluationConfig
from ops_service.messages.basics import duration, process_id
from ops_service.messages.evaluation import (
    asked_place,
    check_source,
    evaluation_bounds,
    evaluation_output,
    evaluation_result,
)
from ops_service.process.identity import ProcessIdentity
from ops_service.repl.evaluation import Input
from ops_service.repl.evaluator import Evaluator
from ops_service.threads import LoopEvent
from ops_service.v1 import evaluation_pb2

# How often a running evaluation is polled when it reports nothing.
_POLL_SECONDS = 0.25


class EvaluationHandler:
    """Serves EvaluateCode."""

    def __init__(
        self, identity: ProcessIdentity, evaluator: Evaluator, config: EvaluationConfig
    ) -> None:
        self._identity = identity
        self._evaluator = evaluator
        self._config = config

    async def evaluate(self, request: evaluation_pb2.EvaluateCodeRequest, context: Any) -> None:
        bounds = evaluation_bounds(request, self._config)
        check_source(request.source)
        call = current_call()
        changed = LoopEvent()
        evaluation = self._evaluator.start(
            Input(
                evaluation_id=call.call_id,
                principal=call.principal,
                source=request.source,
                bounds=bounds,
                place=asked_place(request),
            ),
            on_change=changed.set,
        )
        try:
            header = evaluation_pb2.EvaluationHeader(
                process=process_id(self._identity),
                evaluation_id=call.call_id,
                time_limit=duration(bounds.time_limit),
            )
            await context.write(evaluation_pb2.EvaluateCodeResponse(header=header))
            result = None
            while result is None:
                # An interruption may hit the thread while it reports a change. Then the
                # report is lost.
                await changed.wait(_POLL_SECONDS)
                # Read before the output, so that no output comes after the result.
                result = evaluation.result
                for output in evaluation_output(evaluation.output.take()):
                    await context.write(evaluation_pb2.EvaluateCodeResponse(output=output))
            message = evaluation_result(evaluation, result)
            await context.write(evaluation_pb2.EvaluateCodeResponse(result=message))
        finally:
            evaluation.stop()
