"""A proxy in front of a server. It breaks connections where the test says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

_READ_BYTES = 16 << 10


class CuttingProxy:
    """Forwards bytes, and breaks each connection after a number of bytes from the server.

    Attributes:
        address: Where it listens.
        connections: The number of connections so far.
    """

    def __init__(self, target: str, cuts: list[int]) -> None:
        """
        Args:
            target: Where it forwards to.
            cuts: For each connection in turn, the number of bytes from the server after
                which it breaks. Later connections are not broken.
        """
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._cuts = list(cuts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # Wakes the accepting thread; close() alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(self._target)
                limit = self._cuts.pop(0) if self._cuts else -1
                for source, sink, most in ((client, server, -1), (server, client, limit)):
                    threading.Thread(
                        target=self._pass, args=(source, sink, most), daemon=True
                    ).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket, limit: int) -> None:
        with contextlib.suppress(OSError):
            while limit and (
                data := source.recv(_READ_BYTES if limit < 0 else min(limit, _READ_BYTES))
            ):
                sink.sendall(data)
                limit -= len(data) if limit > 0 else 0
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


Cut = Callable[[str, list[int]], CuttingProxy]


@pytest.fixture
def cut() -> Iterator[Cut]:
    """Return a function that starts such a proxy: ``cut(address, [bytes, …])``."""
    with contextlib.ExitStack() as stack:

        def make(target: str, cuts: list[int]) -> CuttingProxy:
            return stack.enter_context(contextlib.closing(CuttingProxy(target, cuts)))

        yield make
