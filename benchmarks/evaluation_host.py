"""A host with all consoles that evaluation.py measures, in one process.

Usage: OPS_SERVICE_CONFIG=FILE python evaluation_host.py DIRECTORY [PEER ...]

Prints one JSON line with their addresses, then runs until its standard input ends.
The line "busy N" starts N busy threads. The answer to each line has the CPU seconds so
far and the memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def open_ops_service(directory: Path) -> str:
    """Open the port itself."""
    import ops_service

    return ops_service.start().address


def open_echo(directory: Path) -> str:
    """Open a bare unary echo over mTLS: the minimum cost of gRPC."""
    import grpc

    certs = directory / "certs"
    opened = threading.Event()
    address = []

    async def echo(request: bytes, context: Any) -> bytes:
        return request

    async def serve() -> None:
        server = grpc.aio.server()
        handler: Any = grpc.unary_unary_rpc_method_handler(echo)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("Echo", {"Echo": handler}),)
        )
        pair = ((certs / "server-key.pem").read_bytes(), (certs / "server.pem").read_bytes())
        credentials = grpc.ssl_server_credentials(
            [pair], (certs / "ca.pem").read_bytes(), require_client_auth=True
        )
        address.append(f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}")
        await server.start()
        opened.set()
        await server.wait_for_termination()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    opened.wait()
    return address[0]


def open_manhole(directory: Path) -> str:
    """Open manhole, a console on a Unix socket."""
    import manhole

    path = str(directory / "manhole.sock")
    manhole.install(socket_path=path, patch_fork=False, verbose=False, daemon_connection=True)
    while not Path(path).exists():
        time.sleep(0.01)
    return path


def open_rpyc(directory: Path) -> str:
    """Open rpyc's classic server, which evaluates code, on a TCP port."""
    from rpyc.core import SlaveService
    from rpyc.utils.server import ThreadedServer

    server = ThreadedServer(SlaveService, hostname="127.0.0.1", port=0)
    threading.Thread(target=server.start, daemon=True).start()
    return f"127.0.0.1:{server.port}"


def open_aiomonitor(directory: Path) -> str:
    """Open the console behind aiomonitor's terminal, in its own loop."""
    from aiomonitor import console

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    server = asyncio.run(console.start("127.0.0.1", 0, {}, loop))
    return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


OPEN: dict[str, Callable[[Path], str]] = {
    "ops_service": open_ops_service,
    "echo": open_echo,
    "manhole": open_manhole,
    "rpyc": open_rpyc,
    "aiomonitor": open_aiomonitor,
}


def compute() -> None:
    """Keep the GIL busy forever."""
    while True:
        sum(range(1000))


def main() -> None:
    directory = Path(sys.argv[1])
    # manhole redirects the streams of the process to its connection.
    commands, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    print(
        json.dumps({name: OPEN[name](directory) for name in sys.argv[2:]}),
        file=answers,
        flush=True,
    )
    for line in commands:
        word, _, count = line.strip().partition(" ")
        if word == "busy":
            for _ in range(int(count)):
                threading.Thread(target=compute, daemon=True).start()
        found = {"cpu": time.process_time(), "resident": resident_bytes()}
        print(json.dumps(found), file=answers, flush=True)


def resident_bytes() -> int:
    """Return the resident memory of the process, as the system counts it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    return 0


if __name__ == "__main__":
    main()
