"""gRPC's asynchronous server, protected against a call with which any peer could end it.

grpcio decodes the name of an unregistered method in the loop that accepts
calls. A name that is not UTF-8 ends that loop, and with it the port, before the
gate sees the call. So every method that may be called is registered in advance,
and gRPC knows its name. A loop in this file accepts all other calls without
reading the name, and the gate refuses them.

This needs private parts of grpcio. If they differ from what this file expects,
the ordinary server is used. Older releases do not have that loop. If the loop
ends in a later release, `ops_service.server.port` reopens the port.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import grpc
from grpc.aio import _server as implementation

from ops_service.private_grpc import cygrpc

UNNAMED = "(unknown)"
"""Method name that the gate receives for an unregistered method."""

_EXPECTED = {
    "_handle_rpc": (
        "method_name",
        "method_resolver",
        "interceptors",
        "rpc_state",
        "loop",
        "concurrency_exceeded",
    ),
    "_schedule_rpc_coro": ("rpc_coro", "rpc_state", "loop", "method_name"),
}


def make_server(
    interceptor: Any,
    options: Sequence[tuple[str, Any]],
    maximum_calls: int,
    handlers: Sequence[grpc.GenericRpcHandler],
    paths: Iterable[str],
) -> Any:
    """Create a server on the running loop that serves these methods.

    Args:
        interceptor: Sees every call, including calls of unknown methods.
        maximum_calls: How many calls may be open. Further ones are refused.
        handlers: Look up the handlers of the methods.
        paths: ``/package.Service/Method`` of every method that may be called.
    """
    loop = asyncio.get_running_loop()
    if not _is_as_expected():
        core = cygrpc.AioServer
        return _Server(core(loop, None, handlers, (interceptor,), tuple(options), maximum_calls))
    server = _Server(_make_core(loop, (interceptor,), tuple(options), maximum_calls))
    known = {path: handler for path in paths if (handler := _find(handlers, path)) is not None}
    server.register(known)
    return server


def _is_as_expected() -> bool:
    core = getattr(cygrpc, "AioServer", None)
    if not all(hasattr(core, name) for name in ("_make_request_call_future", "_request_call")):
        return False
    if not hasattr(cygrpc, "_RequestCallError"):
        return False
    for name, parameters in _EXPECTED.items():
        function = getattr(cygrpc, name, None)
        try:
            if function is None or tuple(inspect.signature(function).parameters) != parameters:
                return False
        except (TypeError, ValueError):
            return False
    return True


class _Details:
    """The call details that a generic handler reads."""

    invocation_metadata: tuple[tuple[str, str | bytes], ...] = ()

    def __init__(self, method: str) -> None:
        self.method = method


def _find(handlers: Iterable[grpc.GenericRpcHandler], path: str) -> Any:
    for each in handlers:
        handler = each.service(_Details(path))
        if handler is not None:
            return handler
    return None


class _NoHandlers:
    """Resolves no method: every method that comes here is unknown."""

    def resolve_handler(self, details: Any) -> None:
        return None


class _Server(implementation.Server):
    def __init__(self, core: Any) -> None:
        # Same as the base class, except for the core.
        self._loop = asyncio.get_running_loop()
        self._server = core

    def register(self, handlers: dict[str, Any]) -> None:
        self._server.add_registered_method_handlers(handlers)


def _make_core(
    loop: asyncio.AbstractEventLoop,
    interceptors: tuple[Any, ...],
    options: tuple[Any, ...],
    maximum_calls: int,
) -> Any:
    class Core(cygrpc.AioServer):  # type: ignore[misc]
        """The core's server, with its unregistered calls accepted here."""

        def _make_request_call_future(self, method_bytes: bytes | None) -> Any:
            if method_bytes is not None:
                return super()._make_request_call_future(method_bytes)
            return loop.create_task(self._accept_unregistered())

        async def _accept_unregistered(self) -> None:
            """Runs as long as the server, so gRPC's own loop never sees these calls."""
            running: set[asyncio.Task[None]] = set()
            nobody = _NoHandlers()
            while True:
                try:
                    state = await self._request_call()
                except cygrpc._RequestCallError:
                    if not self.is_running():
                        raise
                    continue
                refused = len(running) >= maximum_calls
                work = cygrpc._handle_rpc(UNNAMED, nobody, interceptors, state, loop, refused)
                task = loop.create_task(cygrpc._schedule_rpc_coro(work, state, loop, UNNAMED))
                running.add(task)
                task.add_done_callback(running.discard)

    return Core(loop, None, (), interceptors, options, maximum_calls)
