"""GetMemory and ReclaimMemory over the wire, through both clients and opsctl."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host, StartHost
from fix_opsctl import Opsctl, environment_of

from ops_client.cli.exit_codes import ExitCode
from ops_client.errors import InvalidRequest, PermissionDenied
from ops_service.errors import EngineUnavailable
from ops_service.heap.arenas import arena_statistics
from ops_service.heap.engine import engine_status
from ops_service.process.libc import Unavailable, malloc_bytes
from ops_service.v1 import memory_pb2

MIB = 1 << 20
ADDENDS = ("python_in_use", "python_free", "malloc_in_use", "malloc_free", "unaccounted")


def _missing() -> str:
    try:
        arena_statistics()
        malloc_bytes()
    except (EngineUnavailable, Unavailable) as error:
        return str(error)
    return engine_status().reason


needs_all_parts = pytest.mark.skipif(bool(_missing()), reason=f"not told here: {_missing()}")


def assert_adds_up(parts: memory_pb2.MemoryParts) -> None:
    for field in parts.DESCRIPTOR.fields:
        part = getattr(parts, field.name)
        assert part.state == memory_pb2.PART_STATE_KNOWN, (field.name, part.reason)
        assert part.HasField("bytes")
        assert part.reason == ""
    assert parts.resident.bytes == (
        parts.anonymous.bytes + parts.file_backed.bytes + parts.shared.bytes
    )
    counted = sum(getattr(parts, name).bytes for name in ADDENDS)
    assert parts.anonymous.bytes == counted - parts.not_resident.bytes
    assert not (parts.unaccounted.bytes and parts.not_resident.bytes)


@needs_all_parts
def test_what_the_host_holds_is_seen_where_it_lies(
    connect: Connect, host: Host, viewer: Identity
) -> None:
    client = connect(host.address, credentials_of(viewer))
    before = client.get_memory()
    assert_adds_up(before.parts)
    assert before.process.instance_id == host.instance_id
    host.run(
        # Small objects, one large buffer from malloc, a file, and memory that neither
        # allocator knows.
        "import mmap, random\n"
        f"held = [random.randbytes(200) for _ in range(60_000)], bytearray(b'x') * {32 * MIB}\n"
        f"pages = mmap.mmap(-1, {24 * MIB}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        f"pages.write(b'x' * {24 * MIB})"
    )
    after = client.get_memory()
    host.run("pages.close(); del held, pages")

    assert_adds_up(after.parts)

    def grown(field: str) -> float:
        change = getattr(after.parts, field).bytes - getattr(before.parts, field).bytes
        return float(change / MIB)

    # 233 bytes each, in blocks of 240. The allocating threads add and free a little.
    assert 12 < grown("python_in_use") < 18
    assert 31 < grown("malloc_in_use") < 40
    # Memory that was free before may be in use again.
    assert 20 < grown("unaccounted") - grown("not_resident") < 32
    assert grown("anonymous") > 55

    kinds = {each.kind: each for each in after.live_objects.kinds}
    assert set(kinds) == set(memory_pb2.ObjectKind.values()) - {0}
    text = memory_pb2.OBJECT_KIND_TEXT_AND_BYTES
    earlier = next(each for each in before.live_objects.kinds if each.kind == text)
    assert 32 + 13 < (kinds[text].total_size - earlier.total_size) / MIB < 32 + 16
    assert after.live_objects.object_count == sum(each.count for each in kinds.values())
    assert after.live_objects.total_size == sum(each.total_size for each in kinds.values())
    assert after.live_objects.clone_pause.ToNanoseconds() > 0


def test_nothing_is_reclaimed_unasked(connect: Connect, host: Host, admin: Identity) -> None:
    with pytest.raises(InvalidRequest, match="collect, trim, or both"):
        connect(host.address, credentials_of(admin)).reclaim_memory()


def test_to_inspect_is_not_to_reclaim(connect: Connect, host: Host, viewer: Identity) -> None:
    with pytest.raises(PermissionDenied, match="OPERATE"):
        connect(host.address, credentials_of(viewer)).reclaim_memory(collect=True)


@needs_all_parts
def test_a_collection_frees_cycles(connect: Connect, host: Host, admin: Identity) -> None:
    host.run(
        "import gc\n"
        "gc.disable()\n"
        "class Node: pass\n"
        "for _ in range(50_000):\n"
        "    node = Node()\n"
        "    node.self = node"
    )
    reply = connect(host.address, credentials_of(admin)).reclaim_memory(collect=True)
    host.run("gc.enable()")
    assert reply.collection.unreachable_count >= 50_000
    assert reply.collection.pause.ToNanoseconds() > 0
    assert not reply.HasField("trim")
    assert_adds_up(reply.before)
    assert_adds_up(reply.after)
    assert reply.after.python_in_use.bytes < reply.before.python_in_use.bytes - 2 * MIB


@needs_all_parts
def test_a_trim_gives_back_what_lies_free_between_chunks(
    connect: Connect, host: Host, admin: Identity
) -> None:
    # Chunks too small for their own mappings, and one in use above them, which keeps
    # the heap from shrinking by itself.
    host.run("holes = [bytearray(b'x') * 60_000 for _ in range(1000)]; del holes[:-1]")
    reply = connect(host.address, credentials_of(admin)).reclaim_memory(trim=True)
    host.run("del holes")
    assert reply.trim.outcome == memory_pb2.TRIM_OUTCOME_RELEASED
    assert not reply.HasField("collection")
    assert_adds_up(reply.after)
    assert reply.after.anonymous.bytes < reply.before.anonymous.bytes - 30 * MIB


@pytest.mark.long
def test_another_allocator_is_unknown_and_not_zero(
    start_host: StartHost, admin: Identity, opsctl: Opsctl, tmp_path: Path
) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler, to make a library that serves malloc")
    source, library = tmp_path / "other.c", tmp_path / "libothermalloc.so"
    source.write_text(
        "#include <stddef.h>\n"
        "extern void *__libc_malloc(size_t);\n"
        "void *malloc(size_t size) { return __libc_malloc(size); }\n"
    )
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, source], capture_output=True, text=True
    )
    if built.returncode != 0:
        pytest.skip(f"the library was not built: {built.stderr}")
    # tracemalloc hooks Python's own allocator.
    host = start_host(environment={"LD_PRELOAD": str(library), "PYTHONTRACEMALLOC": "1"})

    run = opsctl("memory", "show", "--json", env=environment_of(host.address, admin))
    assert run.returncode == ExitCode.OK, run.stderr
    parts = json.loads(run.stdout)["parts"]
    for name in ("malloc_in_use", "malloc_free"):
        assert parts[name]["state"] == "PART_STATE_UNKNOWN"
        assert "bytes" not in parts[name]
        assert "libothermalloc.so" in parts[name]["reason"]
    for name in ("python_in_use", "python_free", "unaccounted", "not_resident"):
        assert parts[name]["state"] == "PART_STATE_UNKNOWN"
        assert parts[name]["reason"]
    assert int(parts["resident"]["bytes"]) > MIB

    run = opsctl("memory", "reclaim", "--trim", env=environment_of(host.address, admin))
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert "unknown" in run.stdout
    assert "malloc cannot be trimmed here. malloc is served by libothermalloc.so" in run.stdout


@needs_all_parts
def test_opsctl_shows_the_parts_and_reclaims(opsctl: Opsctl, host: Host, admin: Identity) -> None:
    operator = environment_of(host.address, admin)
    run = opsctl("memory", "show", env=operator)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    for line in ("  anonymous", "    malloc, in use", "  mapped files", "text and bytes"):
        assert line in run.stdout
    assert "unknown" not in run.stdout

    run = opsctl("memory", "reclaim", "--collect", "--trim", env=operator)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert run.stdout.split()[:3] == ["before", "after", "difference"]
    assert "stopped the process for" in run.stdout
    assert "The trim" in run.stdout
