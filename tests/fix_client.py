"""Both client flavours behind one interface, so that each test runs with both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eventually import eventually
from fix_certs import Identity
from fix_host import Host

from ops_client import (
    AsyncMaintenanceClient,
    ClientCredentials,
    GrowthHistory,
    MaintenanceClient,
)


def credentials_of(identity: Identity, **changes: Any) -> ClientCredentials:
    files = {
        "ca": identity.ca,
        "cert": identity.certificate,
        "key": identity.private_key,
    }
    return ClientCredentials(**{**files, **changes})


class BlockingFace:
    """Gives an AsyncMaintenanceClient the methods of a MaintenanceClient."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncMaintenanceClient(*args, **options)

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def watch_heap_growth(self, **options: Any) -> Iterator[Any]:
        async def step() -> Any:
            return await anext(parts, None)

        parts = self._client.watch_heap_growth(**options)
        while (part := self._runner.run(step())) is not None:
            yield part

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            return self._runner.run(getattr(self._client, name)(*args, **options))

        return call


def history_when(
    client: MaintenanceClient, condition: Callable[[GrowthHistory], object]
) -> GrowthHistory:
    """The history of the background watch, once a condition holds for it."""
    history = client.read_growth_history()

    def holds() -> object:
        nonlocal history
        history = client.read_growth_history()
        return condition(history)

    def last() -> str:
        return f"not true of {history.records[-1] if history.records else 'no record'}"

    eventually(holds, last, within=120, pause=0.1)
    return history


Connect = Callable[..., MaintenanceClient]


@pytest.fixture(params=[MaintenanceClient, BlockingFace], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Return a function that makes a client: ``connect(target, credentials, **options)``."""
    clients: list[Any] = []

    def make(*args: Any, **options: Any) -> Any:
        clients.append(request.param(*args, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


ClientOf = Callable[[Host], MaintenanceClient]


@pytest.fixture
def client_of(admin: Identity) -> Iterator[ClientOf]:
    """Make a client, for tests in which its flavour makes no difference."""
    with contextlib.ExitStack() as stack:

        def make(host: Host) -> MaintenanceClient:
            client = MaintenanceClient(host.address, credentials_of(admin))
            return stack.enter_context(client)

        yield make
