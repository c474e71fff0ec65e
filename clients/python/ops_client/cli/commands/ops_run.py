"""opsctl ops run"""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from ops_client._operation import OperationRun
from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.exit_codes import ExitCode
from ops_client.cli.terminal import as_json, complain, say, say_json, seconds
from ops_service.v1 import operations_pb2

_CODES = {
    operations_pb2.OPERATION_OUTCOME_COMPLETED: ExitCode.OK,
    operations_pb2.OPERATION_OUTCOME_FAILED: ExitCode.CODE_RAISED,
    operations_pb2.OPERATION_OUTCOME_RAISED: ExitCode.CODE_RAISED,
    operations_pb2.OPERATION_OUTCOME_TIMED_OUT: ExitCode.CODE_TIMED_OUT,
    operations_pb2.OPERATION_OUTCOME_STILL_RUNNING: ExitCode.CODE_STILL_RUNNING,
}


@command
async def run(
    connection: Connection,
    operation: Annotated[str, typer.Argument(help="Name, as in `opsctl ops list`.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=VALUE]...",
            help="Arguments. A value is read as JSON unless the parameter takes a string: "
            'n=3, on=true, names=\'["a", "b"]\'.',
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(min=0.01, metavar="SECONDS", help="Ask it to end after this time."),
    ] = None,
    json: Json = False,
) -> None:
    """Run an operation of the application."""
    given = [_split(each) for each in arguments or ()]
    async with connection.open() as client:
        listed = {each.name: each for each in (await client.list_operations()).operations}
        done = await client.invoke_operation(
            operation,
            _values(listed.get(operation), given),
            time_limit=time_limit,
            on_progress=None if json else _say_progress,
        )
    if json:
        say_json(
            {
                "header": as_json(done.header),
                "progress": [as_json(each) for each in done.progress],
                "result": as_json(done.result),
            }
        )
    else:
        _say_result(done)
    outcome = _CODES.get(done.result.outcome, ExitCode.DEFECT)
    if outcome is not ExitCode.OK:
        raise typer.Exit(outcome)


def _split(argument: str) -> tuple[str, str]:
    name, equals, value = argument.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{argument!r}: write NAME=VALUE")
    return name, value


def _values(
    operation: operations_pb2.Operation | None, given: list[tuple[str, str]]
) -> dict[str, Any]:
    parameters = {each.name: each for each in operation.parameters} if operation else {}
    return {name: _value(parameters.get(name), value) for name, value in given}


def _value(parameter: operations_pb2.OperationParameter | None, text: str) -> Any:
    """Parse a value: as text if the parameter takes text, else as JSON."""
    if parameter is None:
        return text
    takes_text = not parameter.is_list and (
        parameter.kind == operations_pb2.OPERATION_VALUE_KIND_STRING
        or any(each.string_value == text for each in parameter.choices)
    )
    if takes_text and not (parameter.nullable and text == "null"):
        return text
    try:
        return json_module.loads(text)
    except ValueError:
        # The server reports what would fit.
        return text


def _say_progress(progress: operations_pb2.OperationProgress) -> None:
    share = f"{progress.fraction:4.0%}  " if progress.HasField("fraction") else ""
    say(f"{share}{progress.message}")


def _say_result(done: OperationRun) -> None:
    result = done.result
    elapsed = seconds(result.elapsed.ToTimedelta().total_seconds())
    if result.outcome == operations_pb2.OPERATION_OUTCOME_COMPLETED:
        if result.value_left_out:
            say(f"Done, in {elapsed}. Its value is not shown: {result.value_left_out}")
        else:
            say(json_module.dumps(done.value, ensure_ascii=False))
    elif result.outcome == operations_pb2.OPERATION_OUTCOME_FAILED:
        complain(f"the operation failed: {result.message}")
    elif result.outcome == operations_pb2.OPERATION_OUTCOME_RAISED:
        complain(
            f"the operation raised {result.exception_type}; see {result.reference} in the log of "
            "the process."
        )
    elif result.outcome == operations_pb2.OPERATION_OUTCOME_TIMED_OUT:
        complain(f"the operation ended at its time limit, after {elapsed}.")
    else:
        complain(
            f"the operation was asked to end and still runs after {elapsed}. See `opsctl status`."
        )
