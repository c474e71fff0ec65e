"""opsctl repl"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ops_client import AsyncMaintenanceClient
from ops_client._async.repl import AsyncReplSession
from ops_client.cli.command import command
from ops_client.cli.connection import Connection
from ops_client.cli.evaluation_text import say_output, say_result
from ops_client.cli.exit_codes import ExitCode
from ops_client.cli.terminal import complain, say
from ops_client.errors import (
    CallFailed,
    ConnectionFailed,
    OpsClientError,
    PermissionDenied,
    SessionNotFound,
)
from ops_service.v1 import evaluation_pb2

# Seconds before each attempt to connect again.
_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)


@command
async def repl(
    connection: Connection,
    time_limit: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="SECONDS", help="Stop each input after this time."),
    ] = None,
    session: Annotated[str, typer.Option(metavar="ID", help="Resume this session.")] = "",
    history: Annotated[
        Path | None,
        typer.Option(envvar="OPSCTL_HISTORY", metavar="FILE", help="File that keeps your input."),
    ] = None,
) -> None:
    """Evaluate code in the process, line by line, under names that persist.

    Ctrl-C stops the running code and keeps the session. Ctrl-D ends the session. opsctl
    reconnects if the connection breaks, and the session continues.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        complain("repl needs a terminal. Use `opsctl eval -` for code from a pipe.")
        raise typer.Exit(ExitCode.USAGE)
    async with connection.open() as client:
        opened = await _open(client, session, time_limit)
        await _Loop(client, opened, time_limit, history or _default_history()).run()


async def _open(
    client: AsyncMaintenanceClient, session_id: str, time_limit: float | None
) -> AsyncReplSession:
    size = os.get_terminal_size()
    return await client.open_repl(
        session_id=session_id, time_limit=time_limit, columns=size.columns, lines=size.lines
    )


def _default_history() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "opsctl" / "repl_history"


class _Loop:
    def __init__(
        self,
        client: AsyncMaintenanceClient,
        session: AsyncReplSession,
        time_limit: float | None,
        history: Path,
    ) -> None:
        self._client = client
        self._session = session
        self._time_limit = time_limit
        # Takes a quarter of a second to load, and no other command needs it.
        from ops_client.cli.repl_prompt import Prompt

        self._prompt = Prompt(history, self._complete)
        self._told_size = os.get_terminal_size()
        self._reconnected = False

    async def run(self) -> None:
        """Read, evaluate and print until Ctrl-D."""
        process = self._session.header.process
        say(f"pid {process.pid} on {process.host_name}. Ctrl-D ends the session, Ctrl-C an input.")
        if self._session.is_running:
            await self._attempt(self._session.wait(on_output=say_output))
        unfinished = ""
        while (text := await self._prompt.read(unfinished)) is not None:
            unfinished = ""
            if not text.strip():
                continue
            await self._tell_size()
            result = await self._attempt(
                self._session.evaluate(text, at_prompt=True, on_output=say_output)
            )
            if result is None and not self._reconnected:
                unfinished = text + "\n"
        await self._session.close()

    async def _attempt(self, running: Any) -> evaluation_pb2.EvaluationResult | None:
        """Wait for a result. Ctrl-C interrupts it; a broken connection is reopened."""
        loop = asyncio.get_running_loop()
        pending: set[asyncio.Task[None]] = set()

        def interrupt() -> None:
            pending.add(asyncio.create_task(self._interrupt()))

        self._reconnected = False
        loop.add_signal_handler(signal.SIGINT, interrupt)
        try:
            result: evaluation_pb2.EvaluationResult | None = await running
            if result is not None:
                say_result(result)
            return result
        except (PermissionDenied, SessionNotFound) as error:
            if isinstance(error, PermissionDenied):
                raise
            complain(str(error))
            await self._reopen("")
        except ConnectionFailed as error:
            complain(f"{error} Connecting again.")
            await self._reconnect()
        except CallFailed as error:
            complain(str(error))
            await self._reopen(self._session.session_id)
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        self._reconnected = True
        return None

    async def _interrupt(self) -> None:
        try:
            await self._session.interrupt()
        except OpsClientError:
            # The task that waits for the result gets the error.
            return

    async def _reconnect(self) -> None:
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            try:
                await self._reopen(self._session.session_id)
            except SessionNotFound as error:
                complain(str(error))
                await self._reopen("")
            except ConnectionFailed as error:
                failure = error
                continue
            if self._session.is_running:
                await self._attempt(self._session.wait(on_output=say_output))
            return
        raise failure

    async def _reopen(self, session_id: str) -> None:
        await self._session.detach()
        self._session = await _open(self._client, session_id, self._time_limit)
        if self._session.header.resumed:
            complain("connected again; the session was kept.")
        else:
            complain("a new session was opened; names of the old one are gone.")

    async def _tell_size(self) -> None:
        size = os.get_terminal_size()
        if size != self._told_size:
            self._told_size = size
            # The next input reports a broken connection.
            with contextlib.suppress(OpsClientError):
                await self._session.resize(size.columns, size.lines)

    async def _complete(self, text: str, cursor: int) -> tuple[int, list[str]]:
        try:
            found = await self._session.complete(text, cursor)
        except OpsClientError:
            return cursor, []
        return found.start, list(found.candidates)
