"""Where asyncio and threads differ, in pairs of one shape.

The synchronous client is generated from the asynchronous one by renaming; what
renaming cannot turn into each other stands here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import grpc
import grpc.aio

P = ParamSpec("P")
T = TypeVar("T")

Options = Sequence[tuple[str, int | str]]


def open_async_channel(
    target: str, credentials: grpc.ChannelCredentials, options: Options
) -> grpc.aio.Channel:
    """Open a channel of the running event loop."""
    return grpc.aio.secure_channel(target, credentials, options)


def open_sync_channel(
    target: str, credentials: grpc.ChannelCredentials, options: Options
) -> grpc.Channel:
    """Open a channel that blocks the thread."""
    return grpc.secure_channel(target, credentials, options)


async def run_async(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that blocks, in a thread."""
    return await asyncio.to_thread(function, *args, **kwargs)


def run_sync(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that blocks, here."""
    return function(*args, **kwargs)


async def sleep_async(seconds: float) -> None:
    """Wait, while the loop turns."""
    await asyncio.sleep(seconds)


def sleep_sync(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
