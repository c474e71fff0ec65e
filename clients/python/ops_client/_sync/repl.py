# Generated from _async/repl.py by tools/generate_sync_client.py. Do not edit.
"""An interactive session with a process."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

import grpc

from ops_client._sync.calls import Calls
from ops_client._flavours import SyncDuplex
from ops_client.errors import ConnectionLost, OpsClientError
from ops_service.v1 import evaluation_pb2, repl_pb2

OnOutput = Callable[[evaluation_pb2.EvaluationOutput], None]


class ReplSession:
    """An interactive session from ``open_repl``. Names persist from input to input.

    Leaving the context manager closes the session. `detach` keeps the session; its id
    resumes it. Call one method at a time, except `interrupt` and `resize`: these may be
    called while another method waits.
    """

    def __init__(self, calls: Calls, timeout: float, instance_id: str) -> None:
        self._calls = calls
        self._timeout = timeout
        self._instance_id = instance_id
        self._duplex = SyncDuplex(calls.stub.OpenRepl, timeout)
        self._waiting_output: list[evaluation_pb2.EvaluationOutput] = []
        self._state = repl_pb2.REPL_PROMPT_STATE_UNSPECIFIED
        self.header = repl_pb2.ReplHeader()
        """The server's header from when the session opened."""

    def __enter__(self) -> ReplSession:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def session_id(self) -> str:
        """The id that resumes the session, also over another connection."""
        return self.header.session_id

    @property
    def is_running(self) -> bool:
        """Whether a resumed session still runs its last input. If so, call `wait`."""
        return self._state == repl_pb2.REPL_PROMPT_STATE_RUNNING

    def open(self, opening: repl_pb2.ReplOpen) -> None:
        """Send the first message, and wait for the header."""
        self._send(open=opening)
        reply = self._receive()
        self.header.CopyFrom(reply.header)
        reply = self._receive()
        self._state = reply.prompt.state

    def evaluate(
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
        self._send(input=repl_pb2.ReplInput(source=source, at_prompt=at_prompt))
        return self.wait(on_output=on_output)

    def wait(
        self, *, on_output: OnOutput | None = None
    ) -> evaluation_pb2.EvaluationResult | None:
        """Wait for the result of the running code, for example after resuming a session."""
        result = None
        if on_output is not None:
            for output in self._waiting_output:
                on_output(output)
        self._waiting_output.clear()
        while True:
            reply = self._receive()
            part = reply.WhichOneof("part")
            if part == "output" and on_output is not None:
                on_output(reply.output)
            elif part == "result":
                result = reply.result
            elif part == "prompt" and reply.prompt.state != repl_pb2.REPL_PROMPT_STATE_RUNNING:
                self._state = reply.prompt.state
                if self._state == repl_pb2.REPL_PROMPT_STATE_INCOMPLETE or result is not None:
                    return result

    def complete(self, text: str, cursor: int) -> repl_pb2.ReplCompletions:
        """Return completions of a text. Runs no code of the application."""
        self._send(completion=repl_pb2.ReplCompletionRequest(text=text, cursor=cursor))
        while True:
            reply = self._receive()
            part = reply.WhichOneof("part")
            if part == "completions":
                found: repl_pb2.ReplCompletions = reply.completions
                return found
            if part == "output":
                self._waiting_output.append(reply.output)

    def interrupt(self) -> None:
        """Stop the running code. Its result reports the interruption."""
        self._send(interrupt=repl_pb2.ReplInterrupt())

    def resize(self, columns: int, lines: int) -> None:
        """Send the size of the terminal."""
        self._send(resize=repl_pb2.ReplSize(columns=columns, lines=lines))

    def close(self) -> None:
        """End the session and the connection. The process keeps nothing of the session."""
        try:
            self._send(close=repl_pb2.ReplClose())
            self._duplex.finish()
            while self._duplex.receive() is not None:
                pass
        except (grpc.RpcError, OpsClientError):
            # It has ended already.
            pass
        finally:
            self._duplex.cancel()

    def detach(self) -> None:
        """End the connection. The session stays until it expires."""
        self._duplex.cancel()

    def _send(self, **part: Any) -> None:
        request = repl_pb2.OpenReplRequest(instance_id=self._instance_id, **part)
        if not self._duplex.send(request):
            # The call has ended; the next reply reports why.
            self._receive()

    def _receive(self) -> Any:
        try:
            reply = self._duplex.receive()
        except grpc.RpcError as error:
            raise self._calls.explain(error, self._timeout) from error
        if reply is None:
            raise ConnectionLost("The session's connection ended. Resume the session by its id.")
        return reply
