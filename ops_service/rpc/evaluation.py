"""EvaluateCode: from the request to `ops_service.repl`, and back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from ops_service.call import current_call
from ops_service.config.model import Config
from ops_service.messages.basics import duration, process_id
from ops_service.messages.evaluation import (
    asked_place,
    check_source,
    evaluation_bounds,
    evaluation_output,
    evaluation_result,
)
from ops_service.process.identity import ProcessIdentity
from ops_service.repl.evaluator import Evaluator
from ops_service.v1 import evaluation_pb2

# How often a running evaluation is looked at when it tells nothing.
_POLL_SECONDS = 0.25


class EvaluationMethods:
    """A part of the servicer."""

    _config: Config
    _identity: ProcessIdentity
    _evaluator: Evaluator

    async def EvaluateCode(self, request: evaluation_pb2.EvaluateCodeRequest, context: Any) -> None:
        bounds = evaluation_bounds(request, self._config.evaluation)
        check_source(request.source)
        call = current_call()
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def on_change() -> None:
            # The loop may be closed already: the process exits, or the service stopped.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(changed.set)

        evaluation = self._evaluator.start(
            evaluation_id=call.call_id,
            principal=call.principal,
            source=request.source,
            bounds=bounds,
            place=asked_place(request),
            on_change=on_change,
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
                # An interruption may strike the thread while it tells of a
                # change, so the word of it is not relied upon.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_SECONDS):
                        await changed.wait()
                changed.clear()
                # Before the output, so that none of it comes after the result.
                result = evaluation.result
                for output in evaluation_output(evaluation.output.take()):
                    await context.write(evaluation_pb2.EvaluateCodeResponse(output=output))
            message = evaluation_result(evaluation, result)
            await context.write(evaluation_pb2.EvaluateCodeResponse(result=message))
        finally:
            evaluation.stop()
