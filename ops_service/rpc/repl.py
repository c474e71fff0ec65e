"""OpenRepl: one connection to an interactive session."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from ops_service.call import current_call
from ops_service.config.model import EvaluationConfig
from ops_service.errors import Cancelled, InvalidRequest, SessionNotFound, StreamStalled
from ops_service.messages.basics import duration, process_id
from ops_service.messages.evaluation import (
    asked_place,
    check_source,
    evaluation_bounds,
    evaluation_output,
    evaluation_result,
)
from ops_service.process.identity import ProcessIdentity
from ops_service.repl.completion import complete
from ops_service.repl.evaluation import Bounds
from ops_service.repl.places import Place
from ops_service.repl.session import Session, Sessions
from ops_service.repl.source import is_incomplete
from ops_service.threads import LoopEvent, Threads
from ops_service.v1 import repl_pb2

# How often a running input is polled when it reports nothing.
_POLL_SECONDS = 0.25

# Bound on the caller's messages that wait while one is processed.
_INBOX = 16

_READY = repl_pb2.REPL_PROMPT_STATE_READY
_INCOMPLETE = repl_pb2.REPL_PROMPT_STATE_INCOMPLETE
_RUNNING = repl_pb2.REPL_PROMPT_STATE_RUNNING


class ReplHandler:
    """Serves OpenRepl."""

    def __init__(
        self,
        identity: ProcessIdentity,
        threads: Threads,
        sessions: Sessions,
        config: EvaluationConfig,
        first_message_seconds: float,
    ) -> None:
        """
        Args:
            first_message_seconds: How long a caller may take to send its first message.
        """
        self._identity = identity
        self._threads = threads
        self._sessions = sessions
        self._config = config
        self._first_message_seconds = first_message_seconds

    async def open(self, requests: AsyncIterator[repl_pb2.OpenReplRequest], context: Any) -> None:
        limit = self._first_message_seconds
        try:
            async with asyncio.timeout(limit):
                first = await anext(requests, None)
        except TimeoutError:
            raise StreamStalled(f"No message came within {limit:g} s.") from None
        if first is None:
            raise InvalidRequest("The call ended without a message; send one.")
        opening = first.open if first.HasField("open") else repl_pb2.ReplOpen()
        bounds = evaluation_bounds(opening, self._config)
        call = current_call()
        resumed = bool(opening.session_id)
        session = (
            self._sessions.resume(opening.session_id, call.principal)
            if resumed
            else self._sessions.open(call.principal, bounds)
        )
        place = asked_place(opening)
        connection = _Connection(
            self._sessions, session, self._threads, context, bounds=bounds, place=place
        )
        connection.resize(opening.size)
        header = repl_pb2.ReplHeader(
            process=process_id(self._identity),
            session_id=session.session_id,
            resumed=resumed,
            expires_after=duration(self._sessions.idle_seconds),
            time_limit=duration(bounds.time_limit),
        )
        await context.write(repl_pb2.OpenReplResponse(header=header))
        await connection.serve(requests, None if first.HasField("open") else first)


class _Connection:
    def __init__(
        self,
        sessions: Sessions,
        session: Session,
        threads: Threads,
        context: Any,
        *,
        bounds: Bounds,
        place: Place | None,
    ) -> None:
        self._sessions = sessions
        self._session = session
        self._threads = threads
        self._context = context
        self._call = current_call()
        self._wake = LoopEvent()
        self._inbox: deque[repl_pb2.OpenReplRequest] = deque()
        self._room = asyncio.Semaphore(_INBOX)
        self._input_ended = False
        self._failure: Exception | None = None
        # A single object, which identifies this connection to the session.
        self._on_change = self._wake.set
        self._bounds, self._place = bounds, place

    def resize(self, size: repl_pb2.ReplSize) -> None:
        """Store the size of the terminal, if the caller sent one."""
        if size.columns and size.lines:
            known = os.terminal_size((min(size.columns, 10_000), min(size.lines, 10_000)))
            self._session.console.ops.terminal_size = known

    async def serve(
        self, requests: AsyncIterator[repl_pb2.OpenReplRequest], first: Any | None
    ) -> None:
        """Pass messages in both directions until one side ends the connection."""
        session = self._session
        session.connect(self._on_change)
        reading = asyncio.create_task(self._read(requests, first))
        try:
            await self._prompt(_READY if session.evaluation is None else _RUNNING)
            while not await self._step():
                # An interruption may hit a thread while it reports a change. Then the report
                # is lost.
                wait = _POLL_SECONDS if session.evaluation is not None else None
                await self._wake.wait(wait)
        finally:
            reading.cancel()
            session.disconnect(self._on_change)
            if self._call.is_taken_away():
                # The grant may be unchanged, and the certificate revoked.
                self._sessions.close(session, "The caller may no longer evaluate.")
            elif not session.has_run:
                # There is nothing to resume.
                self._sessions.close(session)

    async def _read(
        self, requests: AsyncIterator[repl_pb2.OpenReplRequest], first: Any | None
    ) -> None:
        try:
            if first is not None:
                self._inbox.append(first)
            async for request in requests:
                await self._room.acquire()
                self._inbox.append(request)
                self._wake.set()
        except Exception as error:
            self._failure = error
        finally:
            self._input_ended = True
            self._wake.set()

    async def _step(self) -> bool:
        """Process all pending work. Return True once the connection has ended."""
        session = self._session
        if session.closed:
            raise SessionNotFound(session.closed)
        if not session.is_connected(self._on_change):
            raise Cancelled("Another of your connections has resumed the session.")
        # Read before the output, so that no output comes after the result.
        evaluation = session.evaluation
        result = evaluation.result if evaluation is not None else None
        for output in evaluation_output(session.console.output.take()):
            await self._context.write(repl_pb2.OpenReplResponse(output=output))
        if evaluation is not None and result is not None:
            session.take_evaluation()
            message = evaluation_result(evaluation, result)
            message.audit_hash = session.audit_hash
            await self._context.write(repl_pb2.OpenReplResponse(result=message))
            await self._prompt(_READY)
        while self._inbox:
            request = self._inbox.popleft()
            self._room.release()
            if request.HasField("close"):
                self._sessions.close(session)
                return True
            await self._take(request)
        if self._failure is not None:
            raise self._failure
        if self._input_ended and session.evaluation is None:
            # The caller closed its side. A broken connection looks the same here, but then
            # nothing can be written to it, and the session stays.
            await self._prompt(_READY)
            self._sessions.close(session)
            return True
        return False

    async def _take(self, request: repl_pb2.OpenReplRequest) -> None:
        part = request.WhichOneof("part")
        if part == "input":
            await self._run(request.input)
        elif part == "completion":
            await self._complete(request.completion)
        elif part == "interrupt":
            self._session.interrupt()
        elif part == "resize":
            self.resize(request.resize)
        elif part == "open":
            raise InvalidRequest("open is only allowed in the first message of a call.")

    async def _run(self, request: repl_pb2.ReplInput) -> None:
        session = self._session
        if session.evaluation is not None:
            await self._prompt(_RUNNING)
            return
        source = request.source
        check_source(source)
        if request.at_prompt and await self._threads.run(
            lambda: is_incomplete(source, at_prompt=True)
        ):
            await self._prompt(_INCOMPLETE)
            return
        evaluation_id = secrets.token_hex(8)
        audit_hash = await self._call.record(
            "evaluate",
            {
                "evaluation_id": evaluation_id,
                "source": source,
                "source_sha256": hashlib.sha256(source.encode()).hexdigest(),
            },
        )
        session.start(
            evaluation_id=evaluation_id,
            source=source,
            bounds=self._bounds,
            place=self._place,
            audit_hash=audit_hash,
        )

    async def _complete(self, request: repl_pb2.ReplCompletionRequest) -> None:
        found = await self._threads.run(
            lambda: complete(request.text, request.cursor, self._session.console)
        )
        message = repl_pb2.ReplCompletions(
            start=found.start, candidates=found.candidates, truncated=found.truncated
        )
        await self._context.write(repl_pb2.OpenReplResponse(completions=message))

    async def _prompt(self, state: repl_pb2.ReplPromptState) -> None:
        prompt = repl_pb2.ReplPrompt(state=state)
        await self._context.write(repl_pb2.OpenReplResponse(prompt=prompt))
