"""ListOperations and InvokeOperation: translate requests, progress and results."""

from __future__ import annotations

import contextlib
from typing import Any

from google.protobuf import json_format

from ops_service.call import current_call
from ops_service.messages.basics import clean, duration, process_id, seconds_field
from ops_service.messages.values import NotPlain, plain_value
from ops_service.process.identity import ProcessIdentity
from ops_service.process.operation_run import (
    OperationOutcome,
    OperationResult,
    OperationRun,
    Progress,
)
from ops_service.process.operation_runner import OperationRunner
from ops_service.process.operation_schema import Parameter, ValueKind
from ops_service.process.operations import Operation, find_operation, operations
from ops_service.threads import LoopEvent
from ops_service.v1 import operations_pb2

_OUTCOMES: dict[OperationOutcome, operations_pb2.OperationOutcome] = {
    OperationOutcome.COMPLETED: operations_pb2.OPERATION_OUTCOME_COMPLETED,
    OperationOutcome.FAILED: operations_pb2.OPERATION_OUTCOME_FAILED,
    OperationOutcome.RAISED: operations_pb2.OPERATION_OUTCOME_RAISED,
    OperationOutcome.TIMED_OUT: operations_pb2.OPERATION_OUTCOME_TIMED_OUT,
    OperationOutcome.STILL_RUNNING: operations_pb2.OPERATION_OUTCOME_STILL_RUNNING,
}
_KINDS: dict[ValueKind, operations_pb2.OperationValueKind] = {
    ValueKind.STRING: operations_pb2.OPERATION_VALUE_KIND_STRING,
    ValueKind.INTEGER: operations_pb2.OPERATION_VALUE_KIND_INTEGER,
    ValueKind.NUMBER: operations_pb2.OPERATION_VALUE_KIND_NUMBER,
    ValueKind.BOOLEAN: operations_pb2.OPERATION_VALUE_KIND_BOOLEAN,
    ValueKind.CHOICE: operations_pb2.OPERATION_VALUE_KIND_CHOICE,
}

# How long a run may take to react to a request to end.
_GRACE_SECONDS = 1.0


class OperationsHandler:
    """Serves ListOperations and InvokeOperation."""

    def __init__(self, identity: ProcessIdentity, runner: OperationRunner) -> None:
        self._identity = identity
        self._runner = runner

    async def list_operations(
        self, request: operations_pb2.ListOperationsRequest, context: Any
    ) -> operations_pb2.ListOperationsResponse:
        call = current_call()
        return operations_pb2.ListOperationsResponse(
            process=process_id(self._identity),
            operations=[
                _operation(each, allowed=call.may_invoke(each.name)) for each in operations()
            ],
        )

    async def invoke(self, request: operations_pb2.InvokeOperationRequest, context: Any) -> None:
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
        changed = LoopEvent()
        run = self._runner.start(
            operation,
            json_format.MessageToDict(request.arguments),
            run_id=call.call_id,
            principal=call.principal,
            time_limit=time_limit,
            on_change=changed.set,
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
    async def _follow(run: OperationRun, changed: LoopEvent, context: Any) -> OperationResult:
        """Forward progress until the run ends or is abandoned."""
        end = run.time_limit
        while True:
            await changed.wait(max(0.0, end - run.elapsed))
            # Read before the progress, so that no progress comes after the result.
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
                return OperationResult(OperationOutcome.STILL_RUNNING)
            run.stop()
            end = run.elapsed + _GRACE_SECONDS


def _operation(operation: Operation, *, allowed: bool) -> operations_pb2.Operation:
    return operations_pb2.Operation(
        name=operation.name,
        description=clean(operation.description),
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
        fraction=progress.fraction, message=clean(progress.message)
    )


def _result(run: OperationRun, result: OperationResult) -> operations_pb2.OperationResult:
    message = operations_pb2.OperationResult(
        outcome=_OUTCOMES[result.outcome],
        message=clean(result.message),
        exception_type=clean(result.exception_type),
        elapsed=duration(run.elapsed),
    )
    if result.outcome is OperationOutcome.RAISED:
        message.reference = run.run_id
    if result.outcome is OperationOutcome.COMPLETED:
        try:
            message.value.CopyFrom(plain_value(result.value))
        except NotPlain as error:
            message.value_left_out = str(error)
    return message
