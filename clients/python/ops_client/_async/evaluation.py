"""Methods of the asynchronous client that evaluate code."""

from __future__ import annotations

from collections.abc import Callable

from ops_client._async.calls import AsyncCalls
from ops_client._async.repl import AsyncReplSession
from ops_client._durations import to_duration
from ops_client._evaluation import Evaluation
from ops_service.v1 import evaluation_pb2, evaluation_place_pb2, repl_pb2

# Seconds. Each exceeds the server's own default limit.
_EVALUATION = 60.0
_SLACK = 10.0
_SESSION = 8 * 3600.0


class AsyncEvaluationMethods:
    """The part of the client that evaluates code."""

    _instance_id: str
    _calls: AsyncCalls

    async def evaluate_code(
        self,
        source: str,
        *,
        time_limit: float | None = None,
        place: evaluation_place_pb2.EvaluationPlace = (
            evaluation_place_pb2.EVALUATION_PLACE_UNSPECIFIED
        ),
        on_output: Callable[[evaluation_pb2.EvaluationOutput], None] | None = None,
        timeout: float | None = None,
    ) -> Evaluation:
        """Run code in the process. Needs EVALUATE, which is full control of it.

        An exception of the code is a result, not an exception here: see
        ``Evaluation.result.outcome``.

        Args:
            source: An expression, or statements; the value of an expression at the
                end is the result.
            time_limit: Seconds until the code is stopped; None is the server's default.
            place: Where to run the code. The default is its own thread, or the
                application's event loop if its top level needs one.
            on_output: Called with each piece of output as it arrives.
            timeout: Seconds for the whole call; None is the time limit (or 60) plus 10.

        Raises:
            PlaceUnavailable: The application does not offer the place.
            ConnectionLost: The call ended without a result. The code may or may not
                have run to its end.
        """
        request = evaluation_pb2.EvaluateCodeRequest(
            instance_id=self._instance_id,
            source=source,
            time_limit=to_duration(time_limit),
            place=place,
        )
        if timeout is None:
            timeout = (time_limit or _EVALUATION) + _SLACK
        hashes: list[str] = []
        header, output, result = await self._calls.whole(
            self._calls.stub.EvaluateCode,
            request,
            timeout,
            keep="output",
            end="result",
            lost=(
                "The evaluation ended without a result: the code may or may not have run to its "
                "end. Check the process before you try again."
            ),
            on_part={"output": on_output},
            on_audit_hash=hashes.append,
        )
        return Evaluation(header, output, result, "".join(hashes))

    async def open_repl(
        self,
        *,
        session_id: str = "",
        time_limit: float | None = None,
        place: evaluation_place_pb2.EvaluationPlace = (
            evaluation_place_pb2.EVALUATION_PLACE_UNSPECIFIED
        ),
        columns: int = 0,
        lines: int = 0,
        timeout: float = _SESSION,
    ) -> AsyncReplSession:
        """Open an interactive session, or resume one. Needs EVALUATE.

        Args:
            session_id: The session to resume; empty for a new one.
            time_limit: Seconds until each input is stopped; None is the server's default.
            place: Where to run the inputs; see `evaluate_code`.
            columns: Width of the terminal; 0 if there is none.
            lines: Its height.
            timeout: Seconds for the whole connection.

        Raises:
            SessionNotFound: This caller has no such session, or it has ended.
            Busy: The maximum number of sessions is open.
        """
        session = AsyncReplSession(self._calls, timeout, self._instance_id)
        await session.open(
            repl_pb2.ReplOpen(
                session_id=session_id,
                time_limit=to_duration(time_limit),
                place=place,
                size=repl_pb2.ReplSize(columns=columns, lines=lines),
            )
        )
        return session
