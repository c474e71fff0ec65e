"""The audit log: a chain of hashes that reveals tampering."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host, HostError, StartHost
from fix_opsctl import Opsctl, environment_of
from fix_status import status_of
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from ops_client import MaintenanceClient
from ops_client.audit_log import verify_audit_log
from ops_client.errors import AuditLogBroken, FileNotRead
from ops_service.v1 import evaluation_pb2, heap_pb2, process_pb2


def evaluate(host: Host, identity: Identity, source: str = "1 + 1") -> str:
    """Evaluate something. Return the hash of its record."""
    call = host.stub(identity).EvaluateCode(
        evaluation_pb2.EvaluateCodeRequest(source=source), timeout=120
    )
    list(call)
    return str(dict(call.initial_metadata())["ops-audit-hash"])


@pytest.fixture(scope="module")
def log(start_shared_host: StartHost, admin: Identity, tmp_path_factory: Any) -> tuple[bytes, str]:
    """A log of some calls, and the hash of the record of its last evaluation."""
    host = start_shared_host()
    capture = host.stub(admin).CaptureHeapSnapshot(
        heap_pb2.CaptureHeapSnapshotRequest(), timeout=120
    )
    list(capture)
    heads = [dict(capture.initial_metadata())["ops-audit-hash"]]
    for number in range(3):
        host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
        heads.append(evaluate(host, admin, f"'text {number}'"))
    host.run("service.stop()")
    path = host.audit_file
    for head in heads:
        assert verify_audit_log([path], str(head)).record_count == 14
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_bytes(), str(heads[-1])


def broken(tmp_path: Path, lines: list[bytes], head: str = "") -> str:
    """The message that refuses a log, or "" if the log is accepted."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join(lines))
    try:
        verify_audit_log([path], head)
    except AuditLogBroken as error:
        return str(error)
    return ""


def test_what_shows_without_a_head(log: tuple[bytes, str], tmp_path: Path) -> None:
    lines = log[0].splitlines(keepends=True)
    assert broken(tmp_path, lines) == ""
    for number in range(len(lines) - 1):
        altered = lines[number].replace(b'"code":"OK"', b'"code":"NO"').replace(b"admin", b"nadim")
        assert altered != lines[number]
        assert f"line {number + 2} does not follow" in broken(
            tmp_path, [*lines[:number], altered, *lines[number + 1 :]]
        )
    for number in range(1, len(lines) - 1):
        assert f"line {number + 1} does not" in broken(
            tmp_path, lines[:number] + lines[number + 1 :]
        )
        swapped = [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]]
        assert f"line {number + 1} does not" in broken(tmp_path, swapped)
    assert "line 3 is not an audit record" in broken(tmp_path, [*lines[:2], b"junk\n", *lines[2:]])
    assert "line 1 is not an audit record" in broken(tmp_path, [b"[]\n"])
    assert "line 2 is incomplete" in broken(tmp_path, [lines[0], lines[1][:-9]])


def test_what_shows_with_a_head(log: tuple[bytes, str], tmp_path: Path) -> None:
    data, head = log
    lines = data.splitlines(keepends=True)
    for cut in range(1, len(lines) - 1):
        assert broken(tmp_path, lines[:cut]) == ""
        assert "its end was cut, or it was rewritten" in broken(tmp_path, lines[:cut], head)
    # Somebody writes the whole log again, with hashes that fit.
    from ops_service.gate.audit_file import chained

    previous, forged = "", []
    for line in lines:
        record = {**json.loads(line), "principal": "spiffe://test.example/somebody-else"}
        record.pop("previous")
        text, previous = chained(record, previous)
        forged.append(text + b"\n")
    assert broken(tmp_path, forged) == ""
    assert "rewritten" in broken(tmp_path, forged, head)


def test_opsctl(log: tuple[bytes, str], tmp_path: Path, opsctl: Opsctl) -> None:
    data, head = log
    path = tmp_path / "audit.jsonl"
    path.write_bytes(data)
    done = opsctl("audit", "verify", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "14 records" in done.stdout
    assert "Without --head" in done.stdout
    done = opsctl("audit", "verify", path, "--head", head, "--json")
    assert json.loads(done.stdout)["head_found"] is True
    path.write_bytes(data[: data.rstrip().rfind(b"\n") // 2 * 1])
    assert opsctl("audit", "verify", path).returncode == 48
    done = opsctl("audit", "verify", tmp_path / "missing")
    assert done.returncode == 43
    with pytest.raises(FileNotRead):
        verify_audit_log([tmp_path])


@pytest.mark.long
def test_clients_and_opsctl_tell_the_hashes(
    connect: Connect, host: Host, admin: Identity, opsctl: Opsctl, tmp_path: Path
) -> None:
    client = connect(host.address, credentials_of(admin))
    heads = [
        client.capture_heap_snapshot(tmp_path / "a.heap").audit_hash,
        client.evaluate_code("1 + 1").audit_hash,
    ]
    with (
        MaintenanceClient(host.address, credentials_of(admin)) as direct,
        direct.open_repl() as session,
    ):
        results = [session.evaluate(source) for source in ("one = 1", "one + 1")]
        heads += [result.audit_hash for result in results if result is not None]
    operator = environment_of(host.address, admin)
    captured = opsctl("heap", "capture", "-o", tmp_path / "b.heap", env=operator)
    heads.append(captured.stdout.splitlines()[-1].removeprefix("Audit record "))
    evaluated = opsctl("eval", "1 + 1", "--audit-hash", env=operator)
    assert evaluated.stdout == "2\n"
    heads.append(evaluated.stderr.removeprefix("Audit record ").strip())
    evaluated = opsctl("eval", "1 + 1", "--json", env=operator)
    heads.append(json.loads(evaluated.stdout)["audit_hash"])
    assert len(set(heads)) == 7
    for head in heads:
        done = opsctl("audit", "verify", host.audit_file, "--head", head, "--json")
        assert json.loads(done.stdout)["head_found"] is True


def test_rotation(start_host: StartHost, admin: Identity) -> None:
    host = start_host(audit={"rotate_bytes": 4000, "keep_files": 3})
    heads = [evaluate(host, admin, f"{number}") for number in range(24)]
    host.run("service.stop()")
    files = sorted(
        host.directory.glob("audit.jsonl*"),
        key=lambda each: -int((each.suffix[1:].isdigit() and each.suffix[1:]) or 0),
    )
    assert [each.name for each in files] == [
        "audit.jsonl.3",
        "audit.jsonl.2",
        "audit.jsonl.1",
        "audit.jsonl",
    ]
    assert all(each.stat().st_size <= 4000 for each in files)
    found = verify_audit_log(files, heads[-1])
    assert found.begins_with != ""
    with pytest.raises(AuditLogBroken):
        verify_audit_log([files[0], files[2]])


@pytest.mark.long
def test_a_new_process_goes_on_with_the_chain(
    start_host: StartHost, admin: Identity, tmp_path: Path
) -> None:
    shared = str(tmp_path / "shared.jsonl")
    # Two processes at the same time, like workers that share a configuration.
    hosts = [start_host(audit={"file": shared}) for _ in range(2)]
    for _ in range(5):
        for host in hosts:
            head = evaluate(host, admin)
    hosts[0].process.kill()
    hosts[0].process.wait()
    # A crash in the middle of a line, and a tool that rotates the file.
    with open(shared, "ab") as file:
        file.write(b'{"previous":"half')
    third = start_host(audit={"file": shared})
    evaluate(third, admin)
    for host in (hosts[1], third):
        host.run("service.stop()")
    lines = Path(shared).read_bytes().splitlines(keepends=True)
    position = next(n for n, line in enumerate(lines) if line == b'{"previous":"half\n')
    with pytest.raises(AuditLogBroken, match=rf"line {position + 1} is not an audit record"):
        verify_audit_log([Path(shared)])
    Path(shared).write_bytes(b"".join(lines[:position]))
    assert verify_audit_log([Path(shared)], head).record_count == position


def test_a_log_that_is_moved_away(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    first = evaluate(host, admin)
    moved = host.directory / "moved.jsonl"
    host.audit_file.rename(moved)
    second = evaluate(host, admin)
    host.run("service.stop()")
    assert verify_audit_log([moved, host.audit_file], second).begins_with == ""
    assert verify_audit_log([moved], first)


OPEN_FILES = "import os; files = [open(os.devnull, 'w+') for _ in range(20)]"
OPEN_STILL = "answer = [os.path.samestat(os.fstat(f.fileno()), os.stat(os.devnull)) for f in files]"


def test_a_log_in_whose_place_is_something_else(
    start_host: StartHost, admin: Identity, tmp_path: Path
) -> None:
    def readable(path: Path) -> None:
        path.touch()
        path.chmod(0o644)

    elsewhere = tmp_path / "elsewhere"
    host = start_host()
    file, logs = host.audit_file, []
    evaluate(host, admin)
    for replace in (lambda path: path.symlink_to(elsewhere), Path.mkdir, os.mkfifo, readable):
        logs.append(file.rename(tmp_path / f"{len(logs)}.jsonl"))
        replace(file)
        # Descriptors that the application opens meanwhile do not belong to the port.
        for _ in range(2):
            with pytest.raises(grpc.RpcError) as raised:
                evaluate(host, admin)
            assert status_of(raised.value).reason == "AUDIT_UNAVAILABLE"
            host.run(OPEN_FILES)
        assert all(host.run(OPEN_STILL))
        file.rmdir() if file.is_dir() else file.unlink()
        head = evaluate(host, admin)
    assert not elsewhere.exists()
    host.run("service.stop()")
    assert verify_audit_log([*logs, file], head)
    assert all(host.run(OPEN_STILL))


def test_a_host_that_closes_the_log(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    evaluate(host, admin)
    # As daemons close all descriptors. The next files that the host opens get their numbers.
    closed = host.run(
        "import os\n"
        "fds = [int(fd) for fd in os.listdir('/proc/self/fd') if\n"
        f"    os.path.realpath(f'/proc/self/fd/{{fd}}') == {str(host.audit_file)!r}]\n"
        "for fd in fds: os.close(fd)\n"
        f"{OPEN_FILES}\n"
        "answer = len(set(fds) & {f.fileno() for f in files})"
    )
    assert closed == 1
    evaluate(host, admin)
    head = evaluate(host, admin)
    host.run("service.stop()")
    assert verify_audit_log([host.audit_file], head)
    assert all(host.run(OPEN_STILL))
    host.assert_printed_nothing()


def test_a_log_that_others_may_read(start_host: StartHost) -> None:
    host = start_host(serve=False)
    host.audit_file.touch(0o600)
    for mode in (0o604, 0o660, 0o602):
        host.audit_file.chmod(mode)
        with pytest.raises(HostError, match=r"StartError: The audit file .* chmod 600"):
            host.start_service()
    host.audit_file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(host.audit_file, 65533, -1)
        with pytest.raises(HostError, match=r"StartError: The audit file .* the user 65533"):
            host.start_service()
        os.chown(host.audit_file, 0, -1)
    host.start_service()


def test_without_a_log_nothing_that_matters_begins(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    evaluate(host, admin)
    # No room: the limit on file sizes is near the log's present size.
    host.run(
        "import resource, signal, os\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"size = os.stat({str(host.audit_file)!r}).st_size\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))"
    )
    for call in (
        host.stub(admin).EvaluateCode(evaluation_pb2.EvaluateCodeRequest(source="1"), timeout=120),
        host.stub(admin).CaptureHeapSnapshot(heap_pb2.CaptureHeapSnapshotRequest(), timeout=120),
    ):
        with pytest.raises(grpc.RpcError) as raised:
            list(call)
        assert status_of(raised.value).reason == "AUDIT_UNAVAILABLE"
    assert HealthStub(host.channel(admin)).Check(health_pb2.HealthCheckRequest(), timeout=120)
    assert host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    host.run("resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (resource.RLIM_INFINITY,))")
    head = evaluate(host, admin)
    host.run("service.stop()")
    # No partial line was left behind.
    assert verify_audit_log([host.audit_file], head)
    assert os.stat(host.audit_file).st_size
