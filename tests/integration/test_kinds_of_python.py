"""Pythons that are built or started in other ways: the engine runs, or says why not."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_client import credentials_of
from fix_host import Host, StartHost

import ops_service
from ops_client import MaintenanceClient
from ops_client.errors import EngineUnavailable
from ops_service.heap.engine import engine_status

PACKAGE = Path(ops_service.__file__).parent
SUFFIX = f"cpython-{sys.version_info[0]}{sys.version_info[1]}"
SHOP = """
import sys, types
shop = sys.modules['shop'] = types.ModuleType('shop')
class Order: __module__ = 'shop'
shop.ORDERS = {number: Order() for number in range(1000)}
# Long enough for a compiler at run time.
for number in range(50_000): shop.ORDERS[number % 1000].number = number
"""
NAME = "import collections; Name = collections.namedtuple('Name', 'major minor micro level serial')"
JIT = hasattr(sys, "_jit") and sys._jit.is_available()
PYPY = "**{**vars(sys.implementation), 'name': 'pypy'}"
NEWER = f"{NAME}; sys.version_info = Name(3, 16, 0, 'final', 0)"
CANDIDATE = f"{NAME}; sys.version_info = Name(*sys.version_info[:2], 0, 'candidate', 1)"

needs_engine = pytest.mark.skipif(not engine_status().available, reason=engine_status().reason)


def client_of(host: Host, admin: Identity) -> MaintenanceClient:
    return MaintenanceClient(host.address, credentials_of(admin))


def assert_the_rest_works(client: MaintenanceClient) -> None:
    """What does not need the engine."""
    assert client.get_memory().parts.resident.bytes > 0
    stacks = client.capture_stacks(sample_distance=0)
    assert stacks.trailer.thread_count > 0
    assert client.evaluate_code("1 + 1").result.value_repr == "2"
    assert client.list_loggers().loggers


@needs_engine
@pytest.mark.parametrize(
    ("environment", "options"),
    [
        ({"PYTHONMALLOC": "malloc"}, ()),
        ({"PYTHONMALLOC": "debug"}, ()),
        pytest.param(
            *({"PYTHONMALLOC": "mimalloc"}, ()),
            marks=pytest.mark.skipif(sys.version_info < (3, 13), reason="has no mimalloc"),
        ),
        pytest.param(
            *({"PYTHON_JIT": "1"}, ()),
            marks=pytest.mark.skipif(not JIT, reason="this Python has no JIT compiler"),
        ),
        ({}, ("-X", "frozen_modules=off")),
        ({}, ("-O",)),
    ],
    ids=lambda each: "-".join(each.values() if isinstance(each, dict) else each),
)
def test_where_the_engine_runs(
    start_host: StartHost,
    admin: Identity,
    tmp_path: Path,
    environment: dict[str, str],
    options: tuple[str, ...],
) -> None:
    host = start_host(environment=environment, options=options)
    host.run(SHOP)
    client = client_of(host, admin)
    engine = client.get_process(timeout=120).snapshot_engine
    assert (engine.available, engine.unavailable_reason) == (True, "")
    client.capture_heap_snapshot(tmp_path / "a.heap")
    found = client.find_referrers("shop.Order")
    assert found.object_count == 1000
    assert [each.text for each in found.paths] == ["shop.ORDERS[…] (shop.Order)"]
    assert_the_rest_works(client)
    host.assert_alive()


@needs_engine
def test_a_candidate_counts_as_its_release(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    host.run(f"import sys; {CANDIDATE}")
    assert client_of(host, admin).get_process(timeout=120).snapshot_engine.available


@pytest.mark.parametrize(
    ("disguise", "reason"),
    [
        (NEWER, "supports CPython 3.11 to 3.15, and this is 3.16.0"),
        (f"import types; sys.implementation = types.SimpleNamespace({PYPY})", "this is pypy"),
        ("sys.gettotalrefcount = lambda: 0", "debug builds"),
        ("sys.getobjects = lambda *_: []", "debug builds"),
        ("sys.abiflags = 't'", "free-threaded"),
    ],
    ids=["newer", "pypy", "debug", "trace-refs", "free-threaded"],
)
def test_a_kind_of_interpreter_that_is_refused(
    start_host: StartHost, admin: Identity, tmp_path: Path, disguise: str, reason: str
) -> None:
    host = start_host()
    # The walker is loaded already, and would read all right.
    host.run(f"import sys; {disguise}")
    assert_refused(host, admin, tmp_path, reason)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("_walker.cpython-310-x86_64-linux-gnu.so", b"", "only _walker.cpython-310"),
        (f"_walker.{SUFFIX}-x86_64-linux-musl.so", b"", f"only _walker.{SUFFIX}-x86_64-linux-musl"),
        ("_walker.so", b"\x7fELF", "file too short"),
        ("_walker.so", b"not a library" * 100, "invalid ELF header"),
    ],
    ids=["minor", "libc", "short", "text"],
)
def test_a_walker_that_cannot_be_loaded(
    start_host: StartHost,
    admin: Identity,
    tmp_path: Path,
    file: str,
    content: bytes,
    reason: str,
) -> None:
    place = without_walker(tmp_path)
    (place / "ops_service/heap" / file).write_bytes(content)
    host = start_host(environment={"PYTHONPATH": str(place)})
    assert_refused(host, admin, tmp_path, reason)


def test_a_walker_of_another_minor_under_our_name(
    start_host: StartHost, admin: Identity, tmp_path: Path
) -> None:
    others = [
        each
        for each in (PACKAGE / "heap").glob("_walker.cpython-*.so")
        if not each.name.startswith(f"_walker.{SUFFIX}-")
    ]
    if not others:
        pytest.skip("no walker of another release is built here")
    place = without_walker(tmp_path)
    shutil.copy(others[0], place / "ops_service/heap/_walker.so")
    minor = others[0].name.removeprefix("_walker.cpython-3").partition("-")[0]
    host = start_host(environment={"PYTHONPATH": str(place)})
    reason = client_of(host, admin).get_process(timeout=120).snapshot_engine.unavailable_reason
    # The linker may miss a function first.
    assert f"compiled for CPython 3.{minor}." in reason or "undefined symbol" in reason
    assert_refused(host, admin, tmp_path, reason)


def without_walker(folder: Path) -> Path:
    """A folder with a copy of the package that has no walker."""
    ignored = shutil.ignore_patterns("*.so", "_walker", "__pycache__")
    shutil.copytree(PACKAGE, folder / "site/ops_service", ignore=ignored)
    return folder / "site"


def assert_refused(host: Host, admin: Identity, folder: Path, reason: str) -> None:
    client = client_of(host, admin)
    engine = client.get_process(timeout=120).snapshot_engine
    assert not engine.available
    assert reason in engine.unavailable_reason
    with pytest.raises(EngineUnavailable) as raised:
        client.capture_heap_snapshot(folder / "a.heap")
    assert reason in str(raised.value)
    assert_the_rest_works(client)
    host.assert_alive()
