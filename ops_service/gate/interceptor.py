"""The gate: one wrapper around every handler, including foreign and unknown ones."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from ops_service.errors import OpsServiceError
from ops_service.gate import status
from ops_service.gate.authorization import Authorization
from ops_service.gate.call_guard import CallGuard, CallPolicy, HandlerStatus
from ops_service.log import Log
from ops_service.private_grpc import AbortError, BaseError

_LOG = Log()

# Clients accept at most 8 KiB of trailers, and they contain this message twice.
_MESSAGE_LIMIT = 2000

# A status cannot reach a caller that does not read, so this wait is short.
_ABORT_SECONDS = 1.0


class Gate(grpc.aio.ServerInterceptor):
    """Passes every call through a `CallGuard`, and every exception through the status table.

    No exception escapes it: gRPC would send its text to the caller, and a
    SystemExit would end the loop.
    """

    def __init__(self, rules: CallPolicy) -> None:
        self._rules = rules
        self._open: set[CallGuard] = set()

    @property
    def open_calls(self) -> int:
        """Number of calls under way."""
        return len(self._open)

    def set_authorization(self, authorization: Authorization) -> None:
        """Apply other grants from now on, to the calls under way too."""
        self._rules = dataclasses.replace(self._rules, authorization=authorization)
        for guard in list(self._open):
            guard.check_again(authorization)

    def end_outdated(self) -> None:
        """End the calls whose callers' certificates expired since they began."""
        for guard in list(self._open):
            guard.end_if_outdated()

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: Any,
    ) -> Any:
        """Wrap the handler of a call; see `grpc.aio.ServerInterceptor`."""
        handler = await continuation(handler_call_details)
        path: str = handler_call_details.method

        async def serve(requests: AsyncIterator[bytes], context: Any) -> None:
            try:
                guard = CallGuard(self._rules, path, handler, requests, context)
                self._open.add(guard)
                try:
                    await self._serve(guard, context)
                finally:
                    self._open.discard(guard)
            except (asyncio.CancelledError, AbortError):
                raise
            except BaseException as error:
                # Even error handling can fail if the application has patched functions in
                # modules that it uses.
                _LOG.error("a call of %s failed", path, exc_info=error)
                code, details = status.to_status(error, "")
                await self._abort(context, code, details.message, ())

        # Every method is served as a stream of bytes, whatever its kind. So the caller
        # is identified before a byte of its request is read, a request that never
        # arrives times out, and one wrapper serves all methods. The wire is the same.
        return grpc.stream_stream_rpc_method_handler(serve)

    async def _serve(self, guard: CallGuard, context: Any) -> None:
        try:
            try:
                await guard.serve()
            finally:
                # The status may already be on its way to the caller; do not cut it off.
                guard.leave()
        except asyncio.CancelledError:
            if guard.taken_away is not None:
                await guard.finish_first_message()
                await self._abort_with_error(guard, context, guard.taken_away)
                return
            guard.record_end("CANCELLED", "CANCELLED")
            raise
        except HandlerStatus as error:
            guard.record_end(error.code.name, "HANDLER")
            await self._abort(context, error.code, str(error), ())
        except OpsServiceError as error:
            await self._abort_with_error(guard, context, error)
        except BaseException as error:
            _LOG.error("call %s failed", guard.call_id, exc_info=error)
            await self._abort_with_error(guard, context, error)
        else:
            guard.record_end("OK", "")

    async def _abort_with_error(self, guard: CallGuard, context: Any, error: BaseException) -> None:
        code, details = status.to_status(error, guard.call_id)
        reason = error.reason if isinstance(error, OpsServiceError) else "INTERNAL"
        guard.record_end(code.name, reason, error)
        trailer = (status.TRAILER, details.SerializeToString())
        await self._abort(context, code, details.message, (trailer,))

    @staticmethod
    async def _abort(
        context: Any, code: grpc.StatusCode, message: str, trailer: tuple[tuple[str, bytes], ...]
    ) -> None:
        try:
            async with asyncio.timeout(_ABORT_SECONDS):
                await context.abort(code, message[:_MESSAGE_LIMIT], trailer)
        except AbortError:
            raise
        except (TimeoutError, BaseError):
            # The caller does not read, or has disconnected.
            pass
