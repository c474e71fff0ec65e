"""ListOperations and InvokeOperation: from requests to operations, and back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from google.protobuf import json_format

from ops_service.call import current_call
from ops_service.messages.basics import duration, process_id, seconds_field
from ops_service.messages.values import NotPlain, plain_value
from ops_service.process.identity import ProcessIdentity
from ops_service.process.operation_run import OperationRun, Outcome, Progress, Result
from ops_service.process.operation_runner import OperationRunner
from ops_service.process.operation_schema import Kind, Parameter
from ops_service.process.operations import Operation, find_operation, operations
from ops_service.v1 import operations_pb2, process_pb2

_OUTCOMES: dict[Outcome, operations_pb2.OperationOutcome] = {
    Outcome.COMPLETED: operations_pb2.OPERATION_OUTCOME_COMPLETED,
    Outcome.FAILED: operations_pb2.OPERATION_OUTCOME_FAILED,
    Outcome.RAISED: operations_pb2.OPERATION_OUTCOME_RAISED,
    Outcome.TIMED_OUT: operations_pb2.OPERATION_OUTCOME_TIMED_OUT,
    Outcome.STILL_RUNNING: operations_pb2.OPERATION_OUTCOME_STILL_RUNNING,
}
_KINDS: dict[Kind, operations_pb2.OperationValueKind] = {
    Kind.STRING: operations_pb2.OPERATION_VALUE_KIND_STRING,
    Kind.INTEGER: operations_pb2.OPERATION_VALUE_KIND_INTEGER,
    Kind.NUMBER: operations_pb2.OPERATION_VALUE_KIND_NUMBER,
    Kind.BOOLEAN: operations_pb2.OPERATION_VALUE_KIND_BOOLEAN,
    Kind.CHOICE: operations_pb2.OPERATION_VALUE_KIND_CHOICE,
}

# How long a run may take to heed that it was asked to end.
_GRACE_SECONDS = 1.0


class OperationMethods:
    """A part of the servicer."""

    _identity: ProcessIdentity
    _operations: OperationRunner

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: Any
    ) -> operations_pb2.ListOperationsResponse:
        call = current_call()
        return operations_pb2.ListOperationsResponse(
            process=process_id(self._identity),
            operations=[
                _operation(each, allowed=call.may_invoke(each.name)) for each in operations()
            ],
        )

    async def InvokeOperation(
        self, request: operations_pb2.InvokeOperationRequest, context: Any
    ) -> None:
        call = current_call()
        operation = find_operation(request.operation)
        time_limit = seconds_field(
            request.time_limit,
            is_set=request.HasField("time_limit"),
            field="time_limit",
            default=operation.time_limit,
            low=0.01,
            high=operation.time_limit,
        )
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def on_change() -> None:
            # The loop may be closed already: the process exits, or the service stopped.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(changed.set)

        run = self._operations.start(
            operation,
            json_format.MessageToDict(request.arguments),
            run_id=call.call_id,
            principal=call.principal,
            time_limit=time_limit,
            on_change=on_change,
        )
        try:
            header = operations_pb2.OperationHeader(
                process=process_id(self._identity),
                run_id=call.call_id,
                time_limit=duration(time_limit),
            )
            await context.write(operations_pb2.InvokeOperationResponse(header=header))
            result = await self._follow(run, changed, context)
            await context.write(operations_pb2.InvokeOperationResponse(result=_result(run, result)))
        finally:
            run.stop()

    @staticmethod
    async def _follow(run: OperationRun, changed: asyncio.Event, context: Any) -> Result:
        """Pass progress on until the run ends, or is given up."""
        end = run.time_limit
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, end - run.elapsed)):
                    await changed.wait()
            changed.clear()
            # Before the progress, so that none of it comes after the result.
            result = run.result
            for progress in run.take_progress():
                await context.write(
                    operations_pb2.InvokeOperationResponse(progress=_progress(progress))
                )
            if result is not None:
                return result
            if run.elapsed < end:
                continue
            if run.context.cancelled:
                return Result(Outcome.STILL_RUNNING)
            run.stop()
            end = run.elapsed + _GRACE_SECONDS


def running_operations(runner: OperationRunner) -> list[process_pb2.RunningOperation]:
    """Runs that have not ended."""
    return [
        process_pb2.RunningOperation(
            run_id=each.run_id,
            operation=each.name,
            principal=each.principal,
            elapsed=duration(each.elapsed),
            past_time_limit=each.past_time_limit,
        )
        for each in runner.running()
    ]


def _operation(operation: Operation, *, allowed: bool) -> operations_pb2.Operation:
    return operations_pb2.Operation(
        name=operation.name,
        description=_text(operation.description),
        parameters=[_parameter(each) for each in operation.parameters],
        time_limit=duration(operation.time_limit),
        max_concurrent=operation.max_concurrent,
        on_event_loop=operation.is_async,
        allowed=allowed,
    )


def _parameter(parameter: Parameter) -> operations_pb2.OperationParameter:
    message = operations_pb2.OperationParameter(
        name=parameter.name,
        kind=_KINDS[parameter.kind],
        is_list=parameter.is_list,
        nullable=parameter.nullable,
        choices=[plain_value(shown) for shown, _ in parameter.choices],
        required=parameter.required,
    )
    if not parameter.required and (parameter.default is not None or parameter.nullable):
        with contextlib.suppress(NotPlain):
            message.default_value.CopyFrom(plain_value(parameter.default))
    return message


def _progress(progress: Progress) -> operations_pb2.OperationProgress:
    return operations_pb2.OperationProgress(
        fraction=progress.fraction, message=_text(progress.message)
    )


def _result(run: OperationRun, result: Result) -> operations_pb2.OperationResult:
    message = operations_pb2.OperationResult(
        outcome=_OUTCOMES[result.outcome],
        message=_text(result.message),
        exception_type=_text(result.exception_type),
        elapsed=duration(run.elapsed),
    )
    if result.outcome is Outcome.RAISED:
        message.reference = run.run_id
    if result.outcome is Outcome.COMPLETED:
        try:
            message.value.CopyFrom(plain_value(result.value))
        except NotPlain as error:
            message.value_left_out = str(error)
    return message


def _text(text: str) -> str:
    # Lone surrogates, which protobuf refuses.
    return text.encode("utf-8", "backslashreplace").decode()
