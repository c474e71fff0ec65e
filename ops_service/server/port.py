"""The open port: opens it, watches it, and reopens it.

gRPC's server may end by itself, and the port must survive that. Forks of the host do not
affect the port if it has its own copy of gRPC (`ops_service.private_grpc`). If it shares the
application's copy, gRPC restarts its threads in the forked child. A child that closes its
descriptors then ends by SIGABRT, and writes by those threads break the parent's connections.
In that case the port closes for the moment of each fork, which ends its calls. That protects
the parent's connections, but not every child: with grpcio 1.80, 4 of 120 children that closed
their descriptors were lost, compared with 12 of 40 without it. An alarm reports this.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from ops_service.config.check_address import split_address
from ops_service.errors import StartError
from ops_service.log import Log
from ops_service.private_grpc import isolated
from ops_service.server.sockets import OwnSockets, check_port, find_sockets
from ops_service.server.thread_room import refuse_without_room
from ops_service.threads import post

_LOG = Log()

# Delay between attempts to reopen the port. It doubles each time.
_FIRST_DELAY_SECONDS = 0.05
_LAST_DELAY_SECONDS = 5.0

# How long a closed server may take to release the address.
_FREE_SECONDS = 2.0

# How long calls may continue that began before certificates changed.
_RETIREMENT_SECONDS = 24 * 3600.0

# The longest delay of a fork of the host.
_FORK_SECONDS = 0.5

# The values that gRPC reads as "no".
_NO = ("0", "false", "no", "n", "f")


class Port:
    """One listening address. Everything except the three methods for forks runs on the loop."""

    def __init__(
        self,
        address: str,
        credentials: Callable[[], grpc.ServerCredentials | None],
        make: Callable[[], grpc.aio.Server],
        alarm: Callable[[str], None],
    ) -> None:
        """
        Args:
            alarm: Called with the reason why the port cannot be reopened, and with "" once it is.
        """
        self._wanted = address
        self._credentials = credentials
        self._make = make
        self._alarm = alarm
        self._sockets: OwnSockets | None = None
        self._loop = asyncio.get_running_loop()
        self._server: grpc.aio.Server | None = None
        self._renewal = asyncio.Event()
        self._end_calls = False
        # Servers that accept no more calls, each with the task that waits for its last call.
        self._retired: dict[grpc.aio.Server, asyncio.Task[None]] = {}
        self._ending: asyncio.Task[None] | None = None
        # Held while a server opens, or closes for a fork, so that the two never overlap.
        self._changing = asyncio.Lock()
        self._closed_for_forks = 0
        self._closed_on_purpose = False
        self._may_open = asyncio.Event()
        self._may_open.set()
        self.address = ""
        """Address of the port, with its real port number."""
        self.reopened = 0
        """How often gRPC's server ended by itself and the port was reopened."""

    async def open(self) -> None:
        """Open the port. Raises StartError if that fails."""
        server = self._make()
        try:
            self.address = self._bind(server, self.address or self._wanted)
            await server.start()
        except BaseException:
            await server.stop(None)
            raise
        self._server = server
        self._sockets = find_sockets(self.address, alone=isolated)
        self._ending = None
        self._closed_on_purpose = False

    def renew(self, end_calls: bool = False) -> None:
        """Reopen the port with other credentials. Calls under way continue to their end.

        Connections are refused for some milliseconds in between.

        Args:
            end_calls: End the calls under way instead.
        """
        self._end_calls = self._end_calls or end_calls
        self._renewal.set()

    async def keep_open(self, stopping: asyncio.Event) -> None:
        """Reopen the port whenever it closes or is renewed, until `stopping` is set."""
        stop: asyncio.Future[Any] = asyncio.ensure_future(stopping.wait())
        try:
            while not stopping.is_set():
                assert self._server is not None
                ended: asyncio.Future[Any] = asyncio.ensure_future(_wait_for_end(self._server))
                renewal: asyncio.Future[Any] = asyncio.ensure_future(self._renewal.wait())
                await asyncio.wait({ended, stop, renewal}, return_when=asyncio.FIRST_COMPLETED)
                renewal.cancel()
                if stopping.is_set():
                    # Not cancelled: gRPC would cancel its own shutdown with it.
                    return
                by_itself = ended.done() and not self._closed_on_purpose
                if self._renewal.is_set():
                    self._renewal.clear()
                    if not ended.done() and self._ending is None:
                        self._retire(self._server)
                    if self._end_calls:
                        self._end_calls = False
                        await self._end_retired()
                elif by_itself:
                    _LOG.error("gRPC's server ended by itself; the port is reopened")
                await self._open_anew(stop)
                self.reopened += by_itself
        finally:
            stop.cancel()

    async def _open_anew(self, stop: asyncio.Future[Any]) -> None:
        delay = _FIRST_DELAY_SECONDS
        while not stop.done():
            may_open: asyncio.Future[Any] = asyncio.ensure_future(self._may_open.wait())
            await asyncio.wait({may_open, stop}, return_when=asyncio.FIRST_COMPLETED)
            may_open.cancel()
            if stop.done():
                return
            try:
                await self._wait_until_free()
                async with self._changing:
                    if not self._may_open.is_set():
                        continue
                    # gRPC still runs if older calls are continuing.
                    if not self._retired:
                        refuse_without_room()
                    await self.open()
                self._alarm("")
                return
            except StartError as error:
                self._alarm(f"The port cannot be opened again. {error}")
            await asyncio.wait({stop}, timeout=delay)
            delay = min(2 * delay, _LAST_DELAY_SECONDS)

    async def _wait_until_free(self) -> None:
        """Wait until the last server has released the address, at most `_FREE_SECONDS`.

        gRPC closes its listening socket in a separate thread. If an address cannot be
        bound, it writes to the host's standard error.
        """
        limit = self._loop.time() + _FREE_SECONDS
        while True:
            try:
                self._refuse_if_taken()
                return
            except StartError:
                if self._loop.time() > limit:
                    raise
            await asyncio.sleep(0.002)

    def _refuse_if_taken(self) -> None:
        if not self.address.startswith("unix:"):
            check_port(*split_address(self.address))
        elif Path(self.address.removeprefix("unix:")).exists():
            raise StartError(f"The path {self.address} still exists.")

    def _retire(self, server: grpc.aio.Server) -> None:
        """Stop accepting calls on a server, and end it with its last call."""

        async def stop() -> None:
            await server.stop(_RETIREMENT_SECONDS)

        task = self._loop.create_task(stop())
        self._retired[server] = task
        task.add_done_callback(lambda _: self._retired.pop(server, None))

    async def _end_retired(self) -> None:
        for server, task in list(self._retired.items()):
            # One shutdown at a time, as in `close`.
            task.cancel()
            await asyncio.wait({task})
            if task.cancelled():
                await server.stop(None)

    async def close(self) -> None:
        """Close the port and end its calls."""
        await self._end_retired()
        if self._server is None:
            return
        # Only once for each server: gRPC crashes the process if two shutdowns overlap.
        if self._ending is None:
            self._ending = self._loop.create_task(_end(self._server))
        await asyncio.shield(self._ending)

    def _bind(self, server: grpc.aio.Server, address: str) -> str:
        try:
            credentials = self._credentials()
            port = (
                server.add_secure_port(address, credentials)
                if credentials is not None
                else server.add_insecure_port(address)
            )
        except RuntimeError:
            port = 0
        if port == 0:
            raise StartError(
                f"The port {address} cannot be opened; another process has taken it in the "
                "meantime. Choose another, or port 0 for any free one."
            )
        if address.startswith("unix:"):
            os.chmod(address.removeprefix("unix:"), 0o600)
            return address
        host, _ = split_address(address)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    # ---- around forks, in the thread that forks -----------------------------------

    def before_fork(self) -> bool:
        """Close the port if gRPC is shared with the application. Takes at most half a second.

        Returns:
            Whether `after_fork` must be called in the parent.
        """
        if self._sockets is not None:
            self._sockets.note()
        if not closes_for_forks() or _is_ours(threading.current_thread()):
            return False
        closed = threading.Event()
        if not post(self._loop, self._close_for_fork, closed):
            return False
        closed.wait(_FORK_SECONDS)
        return True

    def after_fork(self) -> None:
        """Allow the port to be reopened."""
        post(self._loop, self._end_close_for_fork)

    def leave_in_child(self) -> None:
        """Release the sockets, in a forked child."""
        if self._sockets is not None:
            self._sockets.disconnect()

    def _close_for_fork(self, closed: threading.Event) -> None:
        self._closed_for_forks += 1
        self._closed_on_purpose = True
        self._may_open.clear()

        async def close() -> None:
            try:
                async with self._changing:
                    await self.close()
            finally:
                closed.set()

        self._closing = self._loop.create_task(close())

    def _end_close_for_fork(self) -> None:
        self._closed_for_forks -= 1
        if not self._closed_for_forks:
            self._may_open.set()


async def _end(server: grpc.aio.Server) -> None:
    # A server that lost its loop is shutting down already.
    core: Any = getattr(server, "_server", None)
    if core is None or core.is_running():
        await server.stop(None)
    else:
        await _wait_for_end(server)


async def _wait_for_end(server: grpc.aio.Server) -> None:
    # It raises the exception that ended the server.
    with contextlib.suppress(Exception):
        await server.wait_for_termination()


def closes_for_forks() -> bool:
    """Whether the port closes around a fork.

    True if gRPC is shared with the application and restarts its threads in a forked
    child. It does so unless the environment disables that.
    """
    return not isolated and os.environ.get("GRPC_ENABLE_FORK_SUPPORT", "").lower() not in _NO


def _is_ours(thread: threading.Thread) -> bool:
    # Evaluated code that forks would end itself.
    return thread.name.startswith("ops_service")
