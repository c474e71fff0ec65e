"""The differences between asyncio and threads, as pairs with one interface.

The synchronous client is generated from the asynchronous one by renaming. This module
has the code that renaming cannot convert.
"""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import grpc
import grpc.aio

P = ParamSpec("P")
T = TypeVar("T")

Options = Sequence[tuple[str, int | str]]


def open_async_channel(
    target: str, credentials: grpc.ChannelCredentials, options: Options
) -> grpc.aio.Channel:
    """Open a channel on the running event loop."""
    return grpc.aio.secure_channel(target, credentials, options)


def open_sync_channel(
    target: str, credentials: grpc.ChannelCredentials, options: Options
) -> grpc.Channel:
    """Open a channel that blocks the thread."""
    return grpc.secure_channel(target, credentials, options)


class AsyncDuplex:
    """A call with a stream of messages in each direction."""

    def __init__(self, method: Any, timeout: float) -> None:
        self._call = method(timeout=timeout)

    async def send(self, message: Any) -> bool:
        """Send a message. False if the call has ended."""
        try:
            await self._call.write(message)
        except (grpc.RpcError, asyncio.InvalidStateError):
            return False
        return True

    async def receive(self) -> Any:
        """The next message. None after the last."""
        reply = await self._call.read()
        return None if reply is grpc.aio.EOF else reply

    async def finish(self) -> None:
        """Send no more."""
        try:
            await self._call.done_writing()
        except (grpc.RpcError, asyncio.InvalidStateError):
            # The call has ended.
            return

    def cancel(self) -> None:
        """End the call."""
        self._call.cancel()


class SyncDuplex:
    """A call with a stream of messages in each direction."""

    def __init__(self, method: Any, timeout: float) -> None:
        # gRPC reads the messages to send in its own thread.
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._call = method(iter(self._queue.get, None), timeout=timeout)

    def send(self, message: Any) -> bool:
        """Send a message. False if the call has ended."""
        if not self._call.is_active():
            return False
        self._queue.put(message)
        return True

    def receive(self) -> Any:
        """The next message. None after the last."""
        return next(self._call, None)

    def finish(self) -> None:
        """Send no more."""
        self._queue.put(None)

    def cancel(self) -> None:
        """End the call."""
        self._call.cancel()
        self._queue.put(None)


async def run_async(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function in another thread."""
    return await asyncio.to_thread(function, *args, **kwargs)


def run_sync(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function in this thread."""
    return function(*args, **kwargs)


async def sleep_async(seconds: float) -> None:
    """Wait without blocking the event loop."""
    await asyncio.sleep(seconds)


def sleep_sync(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
