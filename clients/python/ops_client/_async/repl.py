"""An interactive session with a process."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

import grpc

from ops_client._async.calls import AsyncCalls
from ops_client._flavours import AsyncDuplex
from ops_client.errors import ConnectionLost, OpsClientError
from ops_service.v1 import evaluation_pb2, repl_pb2

OnOutput = Callable[[evaluation_pb2.EvaluationOutput], None]


class AsyncReplSession:
    """An interactive session from ``open_repl``. Names persist from input to input.

    Leaving the context manager closes the session. `detach` keeps the session; its id
    resumes it. Call one method at a time, except `interrupt` and `resize`: these may be
    called while another method waits.
    """

    def __init__(self, calls: AsyncCalls, timeout: float, instance_id: str) -> None:
        self._calls = calls
        self._timeout = timeout
        self._instance_id = instance_id
        self._duplex = AsyncDuplex(calls.stub.OpenRepl, timeout)
        self._waiting_output: list[evaluation_pb2.EvaluationOutput] = []
        self._state = repl_pb2.REPL_PROMPT_STATE_UNSPECIFIED
        self.header = repl_pb2.ReplHeader()
        """The server's header from when the session opened."""

    async def __aenter__(self) -> AsyncReplSession:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def session_id(self) -> str:
        """The id that resumes the session, also over another connection."""
        return self.header.session_id

    @property
    def is_running(self) -> bool:
        """Whether a resumed session still runs its last input. If so, call `wait`."""
        return self._state == repl_pb2.REPL_PROMPT_STATE_RUNNING

    async def open(self, opening: repl_pb2.ReplOpen) -> None:
        """Send the first message, and wait for the header."""
        await self._send(open=opening)
        reply = await self._receive()
        self.header.CopyFrom(reply.header)
        reply = await self._receive()
        self._state = reply.prompt.state

    async def evaluate(
        self, source: str, *, at_prompt: bool = False, on_output: OnOutput | None = None
    ) -> evaluation_pb2.EvaluationResult | None:
        """Run code under the session's names.

        Args:
            source: An expression, or statements.
            at_prompt: Whether a person types the source. If so, a compound statement
                needs an empty line at its end.
            on_output: Called with each piece of output as it arrives.

        Returns:
            The result; an exception of the code is a result. None if the source is
            incomplete, so it did not run.

        Raises:
            SessionNotFound: The session expired.
            ConnectionLost: The connection broke; the session can be resumed.
        """
        await self._send(input=repl_pb2.ReplInput(source=source, at_prompt=at_prompt))
        return await self.wait(on_output=on_output)

    async def wait(
        self, *, on_output: OnOutput | None = None
    ) -> evaluation_pb2.EvaluationResult | None:
        """Wait for the result of the running code, for example after resuming a session."""
        result = None
        if on_output is not None:
            for output in self._waiting_output:
                on_output(output)
        self._waiting_output.clear()
        while True:
            reply = await self._receive()
            part = reply.WhichOneof("part")
            if part == "output" and on_output is not None:
                on_output(reply.output)
            elif part == "result":
                result = reply.result
            elif part == "prompt" and reply.prompt.state != repl_pb2.REPL_PROMPT_STATE_RUNNING:
                self._state = reply.prompt.state
                if self._state == repl_pb2.REPL_PROMPT_STATE_INCOMPLETE or result is not None:
                    return result

    async def complete(self, text: str, cursor: int) -> repl_pb2.ReplCompletions:
        """Return completions of a text. Runs no code of the application."""
        await self._send(completion=repl_pb2.ReplCompletionRequest(text=text, cursor=cursor))
        while True:
            reply = await self._receive()
            part = reply.WhichOneof("part")
            if part == "completions":
                found: repl_pb2.ReplCompletions = reply.completions
                return found
            if part == "output":
                self._waiting_output.append(reply.output)

    async def interrupt(self) -> None:
        """Stop the running code. Its result reports the interruption."""
        await self._send(interrupt=repl_pb2.ReplInterrupt())

    async def resize(self, columns: int, lines: int) -> None:
        """Send the size of the terminal."""
        await self._send(resize=repl_pb2.ReplSize(columns=columns, lines=lines))

    async def close(self) -> None:
        """End the session and the connection. The process keeps nothing of the session."""
        try:
            await self._send(close=repl_pb2.ReplClose())
            await self._duplex.finish()
            while await self._duplex.receive() is not None:
                pass
        except (grpc.RpcError, OpsClientError):
            # It has ended already.
            pass
        finally:
            self._duplex.cancel()

    async def detach(self) -> None:
        """End the connection. The session stays until it expires."""
        self._duplex.cancel()

    async def _send(self, **part: Any) -> None:
        request = repl_pb2.OpenReplRequest(instance_id=self._instance_id, **part)
        if not await self._duplex.send(request):
            # The call has ended; the next reply reports why.
            await self._receive()

    async def _receive(self) -> Any:
        try:
            reply = await self._duplex.receive()
        except grpc.RpcError as error:
            raise await self._calls.explain(error, self._timeout) from error
        if reply is None:
            raise ConnectionLost("The session's connection ended. Resume the session by its id.")
        return reply
