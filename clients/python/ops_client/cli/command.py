"""Common options of the commands, and how a command ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Annotated, Any

import typer

from ops_client.cli.connection import expand_connection
from ops_client.cli.exit_codes import CODES, ExitCode
from ops_client.cli.terminal import complain
from ops_client.errors import Busy, OpsClientError

_ANALYSIS_PACKAGES = {"duckdb", "pyarrow"}

Json = Annotated[bool, typer.Option("--json", help="Print JSON: one document on one line.")]
IncludeOpsService = Annotated[
    bool,
    typer.Option("--include-ops-service", help="Also count what only the service itself holds."),
]
AllowPause = Annotated[
    bool,
    typer.Option(
        "--allow-pause",
        help="Allow the count to stop the process if it cannot be cloned.",
    ),
]


def command(function: Callable[..., Coroutine[Any, Any, None] | None]) -> Callable[..., None]:
    """Make a command end with one sentence and an exit code, whatever happens.

    The command gets the connection options if it declares a connection.

    Commands that call the server are coroutines, because asyncio turns Ctrl-C into a
    cancelled task. In synchronous gRPC, Ctrl-C may arrive where the channel can no
    longer be closed.
    """

    expanded = expand_connection(function)

    @wraps(expanded)
    def run(**options: Any) -> None:
        try:
            running = expanded(**options)
            if running is not None:
                import asyncio

                asyncio.run(running)
            sys.stdout.flush()
        except OpsClientError as error:
            complain(_sentence(error))
            raise typer.Exit(CODES[type(error)]) from error
        except ModuleNotFoundError as error:
            extra = "analysis" if error.name in _ANALYSIS_PACKAGES else "cli"
            complain(
                f"the package {error.name} is missing. Install opsctl's packages with "
                f"`pip install 'ops-service[{extra}]'`."
            )
            raise typer.Exit(ExitCode.MISSING_PACKAGES) from error
        except BrokenPipeError as error:
            _drop_output()
            raise typer.Exit(ExitCode.BROKEN_PIPE) from error
        except OSError as error:
            # Files raise their own errors, so this is standard output.
            _drop_output()
            complain(f"the output could not be written: {error.strerror}.")
            raise typer.Exit(ExitCode.FILE_NOT_WRITTEN) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(ExitCode.INTERRUPTED) from error

    return run


def _drop_output() -> None:
    # The rest of the buffer would fail again when Python exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sentence(error: OpsClientError) -> str:
    if isinstance(error, Busy) and error.retry_after is not None:
        return f"{error} Try again in {error.retry_after:g} s."
    return str(error)
