"""Measure what a fork costs a host: without a port, with one, with a connected caller.

Usage: python forks.py [--short] [--rounds N]

Three similar hosts take turns. Each imports gRPC, so that all have the same size, and
holds the same number of sockets. The measured time is ``os.fork`` in the parent,
including hooks. The child exits at once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from measured_host import CONFIG, OPSCTL

from ops_client import ClientCredentials, MaintenanceClient

HOST = """
import json, os, resource, socket, sys, time, warnings
import grpc.aio, ops_service.server.service
warnings.simplefilter("ignore")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
service = ops_service.start() if sys.argv[1] == "port" else None
kept = [socket.socketpair() for _ in range(int(sys.argv[2]) // 2)]
print(json.dumps(service.address if service else ""), flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(0)
    seconds = time.perf_counter() - began
    status = os.waitpid(child, 0)[1]
    print(json.dumps([seconds, status]), flush=True)
"""


def measure(certs: Path, config: Path, sockets: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each fork, by kind of host."""
    found: dict[str, list[float]] = {}
    with ExitStack() as stack:
        hosts = {}
        for kind in ("without a port", "with a port", "with a caller connected"):
            host = subprocess.Popen(
                [sys.executable, "-c", HOST, "port" if "without" not in kind else "", str(sockets)],
                env=os.environ | {"OPS_SERVICE_CONFIG": str(config), "GRPC_VERBOSITY": "NONE"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(host.kill)
            assert host.stdin is not None
            assert host.stdout is not None
            hosts[kind] = (host.stdin, host.stdout)
            address = json.loads(host.stdout.readline())
            if "caller" in kind:
                credentials = ClientCredentials(
                    certs / "ca.pem", certs / "client.pem", certs / "client-key.pem"
                )
                client = stack.enter_context(MaintenanceClient(address, credentials))
                client.get_process()
        for _ in range(rounds):
            for kind, (commands, replies) in hosts.items():
                commands.write("\n")
                commands.flush()
                seconds, status = json.loads(replies.readline())
                if status != 0:
                    raise SystemExit(f"{kind}: a child ended with status {status}")
                found.setdefault(kind, []).append(seconds)
            # A port that closed for the fork is open again after this pause.
            time.sleep(0.05)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--short", action="store_true", help="five rounds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        certs, config = Path(name) / "certs", Path(name) / "ops_service.toml"
        subprocess.run([OPSCTL, "certs", "init", certs], check=True, stdout=subprocess.DEVNULL)
        config.write_text(CONFIG.read_text().replace("127.0.0.1:7443", "127.0.0.1:0"))
        for sockets in (10, 5_000):
            found = measure(certs, config, sockets, 5 if arguments.short else arguments.rounds)
            base = median(found["without a port"])
            print(f"a fork of a host with {sockets} sockets")
            for kind, seconds in found.items():
                middle = median(seconds)
                print(
                    f"  {kind:24} median {middle * 1e3:6.2f} ms ({middle / base:.2f} of that "
                    f"without), longest {max(seconds) * 1e3:6.1f} ms"
                )


if __name__ == "__main__":
    main()
