"""The background watch: its history, its rules, and what it leaves to a successor."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_cgroups import MemoryGroup
from fix_client import ClientOf, Connect, credentials_of, history_when
from fix_host import Host, HostError, StartHost
from fix_opsctl import Opsctl, environment_of
from fix_status import status_of

from ops_client import GrowthHistory
from ops_client.errors import HistoryNotFound, WatchDisabled
from ops_service.heap.engine import engine_status
from ops_service.v1 import growth_history_pb2, growth_pb2

pytestmark = pytest.mark.skipif(
    not engine_status().available, reason=f"no snapshot engine: {engine_status().reason}"
)

LEAK = """
__name__ = "shop"
import threading, time
class Session:
    def __init__(self, size): self.data = bytearray(size)
registry = {}
size = 64
def leak():
    begin = time.monotonic()
    while True:
        # At a steady pace, however busy the machine is.
        while len(registry) < 100 * (time.monotonic() - begin):
            registry[f"session {len(registry)}"] = Session(size)
        time.sleep(0.005)
threading.Thread(target=leak, daemon=True).start()
"""


def leak(host: Host) -> None:
    host.run("import sys, types\nshop = sys.modules['shop'] = types.ModuleType('shop')")
    host.run(f"exec({LEAK!r}, shop.__dict__)")


def leaks(history: GrowthHistory) -> bool:
    latest = history.latest
    if latest is None or latest.verdict != growth_pb2.HEAP_GROWTH_VERDICT_LEAK:
        return False
    # On a busy machine, an earlier sample may name the process's own warm-up.
    return any(each.type_name == "shop.Session" for each in latest.suspects)


# ---- without a store -----------------------------------------------------------------------


@pytest.mark.long
def test_a_new_client_sees_growth_since_the_start(
    start_host: StartHost, viewer: Identity, connect: Connect
) -> None:
    host = start_host(watch={"interval_seconds": 0.1})
    leak(host)
    client = connect(host.address, credentials_of(viewer))
    history = history_when(client, leaks)
    header = history.header
    assert header.process == header.watched_process
    assert (header.running, header.interval.ToMilliseconds()) == (True, 100)
    reports = history.reports
    assert len(reports) == reports[-1].sample_count
    times = [each.sample_time.ToNanoseconds() for each in reports]
    assert times == sorted(times)
    # Only the latest report names types. The others contain figures alone.
    whole = [each for each in reports if each.suspects or each.types]
    assert len(whole) <= 2
    assert reports[-1] in whole
    assert all(each.total_size and each.resident_bytes for each in reports)
    (suspect,) = [each for each in reports[-1].suspects if each.type_name == "shop.Session"]
    assert "shop.registry" in suspect.holder.path
    assert not list(host.directory.rglob("history*"))
    # A manual watch works at the same time.
    parts = list(client.watch_heap_growth(interval=0.2, duration=0.6))
    assert isinstance(parts[-1], growth_pb2.HeapGrowthTrailer)
    host.assert_alive()


def test_without_a_watch_it_says_so(host: Host, viewer: Identity, connect: Connect) -> None:
    client = connect(host.address, credentials_of(viewer))
    with pytest.raises(WatchDisabled, match=r"\[watch\]"):
        client.read_growth_history()
    request = growth_history_pb2.ReadGrowthHistoryRequest(previous=True, stored_instance_id="x")
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(viewer).ReadGrowthHistory(request, timeout=60))
    assert status_of(raised.value).reason == "INVALID_REQUEST"


def test_a_host_that_forks_and_exits_in_mid_watch(start_host: StartHost, tmp_path: Path) -> None:
    host = start_host(
        watch={"interval_seconds": 0.1},
        store={"directory": str(tmp_path / "store")},
        # Otherwise gRPC prints a line for each fork.
        environment={"GRPC_VERBOSITY": "NONE"},
    )
    statuses = host.run(
        "import os\n"
        "answer = []\n"
        "for _ in range(20):\n"
        "    child = os.fork()\n"
        "    if not child: os._exit(0)\n"
        "    answer.append(os.waitpid(child, 0)[1])\n"
    )
    assert statuses == [0] * 20
    host.exit()
    assert host.process.wait(10) == 0
    host.assert_printed_nothing()


# ---- rules ------------------------------------------------------------------------------------


def rule(name: str, when: str, *actions: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "when": when, "actions": list(actions), **more}


@pytest.mark.long
def test_a_leak_stores_a_snapshot_calls_the_host_and_is_on_record(
    start_host: StartHost, tmp_path: Path, client_of: ClientOf
) -> None:
    host = start_host(
        serve=False,
        watch={"interval_seconds": 0.2},
        store={"directory": str(tmp_path / "store")},
        rules=[rule("leaking", "leak", "log", "hook", "snapshot")],
    )
    host.run(
        "calls = []\n"
        "def hook(fired):\n"
        "    calls.append((fired.rule, fired.suspects[0].type_name, fired.suspects[0].holder))\n"
        "    raise SystemExit('of the hook')\n"
    )
    host.start_service()
    leak(host)
    client = client_of(host)
    history = history_when(client, lambda each: each.events)
    (record,) = history.events
    event = record.event
    assert (event.rule, list(event.actions)) == ("leaking", ["log", "hook", "snapshot"])
    assert "shop.Session" in event.reason
    assert event.problem == ""
    (stored,) = client.list_snapshots().snapshots
    assert stored.snapshot_id == event.snapshot_id
    client.fetch_snapshot(stored.snapshot_id, tmp_path / "some.heap")
    host.wait_for("calls")
    name, type_name, holder = host.run("answer = calls[0]")
    assert (name, type_name) == ("leaking", "shop.Session")
    assert "shop.registry" in holder
    (audited,) = [each for each in host.audit_records() if each["event"] == "rule"]
    assert (audited["rule"], audited["snapshot_id"]) == ("leaking", stored.snapshot_id)
    # The rule acts once a window, however long the leak goes on.
    count = history.reports[-1].sample_count
    later = history_when(client, lambda each: each.latest.sample_count > count + 2)
    assert len(later.events) == 1
    host.assert_alive()


def test_growth_and_headroom(start_host: StartHost, client_of: ClientOf) -> None:
    host = start_host(
        watch={"interval_seconds": 0.2},
        rules=[
            rule("grown", "growth", "log", growth_bytes=8 << 20),
            rule("absurd", "growth", "log", growth_bytes=1 << 40),
            rule("ample", "headroom", "log", headroom_captures=1.0),
        ],
    )
    client = client_of(host)
    history_when(client, lambda each: each.latest is not None)
    host.run("ballast = [bytearray(1 << 20) for _ in range(64)]")
    history = history_when(client, lambda each: each.events)
    (record,) = history.events
    assert record.event.rule == "grown"
    assert re.match(r"The Python objects grew by \d+ MiB", record.event.reason)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"watch": {"interval_seconds": -1.0}}, "watch.interval_seconds"),
        ({"watch": {"interval_seconds": 1e9}}, "watch.interval_seconds"),
        ({"rules": [rule("a", "leak", "log")]}, "set watch.interval_seconds"),
        ({"rules": [rule("a", "moon", "log")]}, "rules[0].when"),
        ({"rules": [rule("a", "leak", "shout")]}, "rules[0].actions"),
        ({"rules": [rule("a", "leak")]}, "rules[0].actions"),
        ({"rules": [rule("a", "leak", "snapshot")]}, "set store.directory"),
        ({"rules": [rule("a", "leak", "log", per_day=0)]}, "rules[0].per_day"),
    ],
)
def test_what_is_refused(start_host: StartHost, changes: dict[str, Any], words: str) -> None:
    if "rules" in changes and "set watch" not in words:
        changes = {"watch": {"interval_seconds": 1.0}, **changes}
    host = start_host(serve=False, **changes)
    with pytest.raises(HostError, match=f"ConfigurationError: .*{re.escape(words)}"):
        host.start_service()


# ---- its successor ------------------------------------------------------------------------------


def test_a_history_that_a_kill_tore(
    start_host: StartHost, tmp_path: Path, client_of: ClientOf
) -> None:
    settings = {
        "watch": {"interval_seconds": 0.1},
        "store": {"directory": str(tmp_path / "store")},
    }
    first = start_host(**settings)
    history_when(client_of(first), lambda each: len(each.reports) > 4)
    first.close()
    (segment,) = (tmp_path / "store" / first.instance_id).glob("history.*")
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-7])
    client = client_of(start_host(**settings))
    history = client.read_growth_history(previous=True)
    assert history.header.watched_process.instance_id == first.instance_id
    assert not history.header.running
    assert len(history.reports) >= 4
    assert "damaged" in history.warnings[0]
    # If the segment is noise from its first byte, no record remains, and a warning says so.
    segment.write_bytes(os.urandom(1000))
    noise = client.read_growth_history(stored_instance_id=first.instance_id)
    assert (len(noise.records), len(noise.warnings)) == (0, 1)
    for name in ("absent", "../etc", "x" * 500):
        with pytest.raises(HistoryNotFound):
            client.read_growth_history(stored_instance_id=name)


def test_nobody_came_before(start_host: StartHost, tmp_path: Path, client_of: ClientOf) -> None:
    host = start_host(store={"directory": str(tmp_path / "store")})
    with pytest.raises(HistoryNotFound, match="background watch"):
        client_of(host).read_growth_history(previous=True)


@pytest.mark.long
def test_the_successor_of_a_killed_process_names_type_and_holder(
    start_host: StartHost,
    tmp_path: Path,
    admin: Identity,
    opsctl: Opsctl,
    client_of: ClientOf,
    memory_group: MemoryGroup,
) -> None:
    memory_group.limit(320 << 20)
    settings = {
        "watch": {"interval_seconds": 0.25},
        "store": {"directory": str(tmp_path / "store")},
        # Early enough for a capture on a busy machine, where it takes seconds.
        "rules": [rule("tight", "headroom", "snapshot", headroom_captures=6.0)],
    }
    first = start_host(serve=False, **settings)
    memory_group.add(first.pid)
    first.start_service()
    leak(first)
    history_when(client_of(first), leaks)
    # A new client with large sessions: some 10 MiB a second.
    first.run("shop.size = 100_000")
    assert first.process.wait(120) == -9

    second = start_host(**settings)
    env = environment_of(second.address, admin)
    page = tmp_path / "leaks.html"
    told = opsctl("leaks", "report", "--previous", "-o", page, env=env)
    assert told.returncode == 0, told.stderr
    assert f"Process {first.pid} on" in told.stdout
    assert "ended" in told.stdout.splitlines()[0]
    assert "shop.Session" in told.stdout, told.stdout
    assert "shop.registry" in told.stdout
    text = page.read_text()
    assert "shop.registry" in text
    assert "src=" not in text
    assert "href=" not in text
    assert page.stat().st_mode & 0o777 == 0o600
    # The capture was taken while one still fitted.
    assert "rule tight: " in told.stdout
    listed = opsctl("heap", "list", env=env).stdout
    assert first.instance_id in listed, told.stdout
    fetched = opsctl(
        "heap", "fetch", listed.splitlines()[1].split()[-1], "-o", tmp_path / "a.heap", env=env
    )
    assert fetched.returncode == 0, fetched.stderr
