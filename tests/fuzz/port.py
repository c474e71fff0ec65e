"""Sends random and damaged calls over mTLS to the port of a real host.

Usage: python port.py [--seconds N] [--seed N] [--calls N]

Every call is made from its number alone, so a seed and a number of calls repeat a run. Any
answer is allowed except INTERNAL and UNKNOWN, which mean that the service met an unforeseen
case. At the end the host must live. It must have printed no traceback, and must hold no
more descriptors, children or threads than before.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fix_certs import uri
from fix_host import ADMIN, ALL, Host
from under_load import APPLICATION, hosts, left_over, resident_bytes, settled

from fuzz.calls import FuzzedCall, call

DEFECTS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
CALLERS = 4


def make(channel: grpc.Channel, each: FuzzedCall) -> grpc.RpcError | None:
    """Make a call. Return the error that ended it, or None if it was whole or cancelled."""
    over = threading.Event()

    def messages() -> Iterator[bytes]:
        yield from each.messages
        # Some callers keep their side of the stream open.
        if each.number % 3 == 0:
            over.wait(each.timeout)

    try:
        method: Any = channel.stream_stream(each.path)
        answer = method(messages(), timeout=each.timeout, metadata=each.metadata)
    except ValueError:
        # gRPC itself refuses to send such metadata.
        return None
    try:
        for number, _ in enumerate(answer):
            if number == each.read:
                break
    except grpc.RpcError as error:
        return error
    finally:
        over.set()
        answer.cancel()
    return None


def fuzz(host: Host, channels: list[grpc.Channel], seconds: float, seed: int, calls: int) -> int:
    """Make calls until the time or the number is reached. Return the number of defects."""
    outcomes: Counter[str] = Counter()
    defects: list[str] = []
    lock = threading.Lock()
    end = time.monotonic() + seconds
    numbers = iter(range(seed, seed + calls) if calls else range(seed, sys.maxsize))

    def caller(channel: grpc.Channel) -> None:
        while time.monotonic() < end and host.process.poll() is None:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            each = call(number, host.instance_id)
            error: Any = make(channel, each)
            with lock:
                outcomes["OK" if error is None else error.code().name] += 1
                if error is not None and error.code() in DEFECTS:
                    defects.append(f"call {number}, {each.path}: {error.details()}")

    with ThreadPoolExecutor(CALLERS) as pool:
        for done in [pool.submit(caller, channel) for channel in channels]:
            done.result()
    print(f"{outcomes.total():,} calls, seed {seed}")
    for name, count in outcomes.most_common():
        print(f"  {name:28} {count:>9,}")
    for each in defects:
        print(f"DEFECT: {each}")
    return len(defects)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="where to begin; 0 takes the clock")
    parser.add_argument("--calls", type=int, default=0, help="how many; 0 for as many as come")
    arguments = parser.parse_args()
    seed = arguments.seed or time.time_ns() % 10**9
    with hosts() as (start, authority, directory):
        host = start(
            environment={"GRPC_VERBOSITY": "NONE"},
            grants=[{"principal": ADMIN, "capabilities": ALL, "operations": ["shop.*"]}],
            evaluation={"time_limit_seconds": 1.0, "session_idle_seconds": 1.0},
            # So that most calls get as far as the work.
            limits={
                "calls_per_second": 10_000,
                "calls_per_principal": 32,
                "request_seconds": 1.0,
                "stall_seconds": 2.0,
            },
            store={"directory": str(directory / "store"), "max_bytes": 32 << 20},
            watch={"interval_seconds": 1.0},
        )
        host.run(APPLICATION)
        before, resident = settled(host), resident_bytes(host.pid)
        admin = authority.issue("admin", uri(ADMIN))
        channels = [host.channel(admin, [("fuzz.caller", n)]) for n in range(CALLERS)]
        host.largest_gap()
        defects = fuzz(host, channels, arguments.seconds, seed, arguments.calls)
        gap = host.largest_gap()
        for channel in channels:
            channel.close()
        host._channels.clear()
        left = left_over(host, before)
        grown = (resident_bytes(host.pid) - resident) / 2**20
        print(f"largest gap of the host's heartbeat {gap * 1e3:.0f} ms; RSS {grown:+.0f} MiB")
        print("left over: {} descriptors, {} children, {} threads".format(*left))
        host.assert_alive()
        # Failures are logged, and the application does not configure logging. The error of the
        # operation that always fails is logged too.
        printed = host.output_file.read_text()
        expected = printed.count("the operation shop.fail failed in call")
        if raised := printed.count("Traceback") > expected:
            print(f"DEFECT: the host printed {printed[:2000]}")
        failed = defects or any(left) or raised
    if failed:
        print(f"FAILED; repeat with --seed {seed}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
