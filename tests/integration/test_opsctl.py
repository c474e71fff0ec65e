"""opsctl as an operator runs it, against a real host process."""

from __future__ import annotations

import json
import os
import pty
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fix_certs import Identity
from fix_host import ADMIN, ALL, Host, StartHost
from fix_opsctl import Opsctl, StartOpsctl, environment_of

from ops_client.cli.exit_codes import ExitCode
from ops_client.heap_graph import read_heap_graph
from ops_service.heap.engine import engine_status

needs_engine = pytest.mark.skipif(
    not engine_status().available, reason=f"no snapshot engine: {engine_status().reason}"
)


@pytest.fixture
def operator(host: Host, admin: Identity) -> dict[str, str]:
    return environment_of(host.address, admin)


def parse(run: subprocess.CompletedProcess[str]) -> Any:
    """The one document that a command printed."""
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert run.stdout.isascii()
    assert run.stdout.endswith("\n")
    assert run.stdout.count("\n") == 1
    return json.loads(run.stdout)


def test_whoami(opsctl: Opsctl, operator: dict[str, str]) -> None:
    run = opsctl("whoami", env=operator)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert ADMIN in run.stdout
    assert "EVALUATE" in run.stdout
    assert parse(opsctl("whoami", "--json", env=operator))["principal"] == ADMIN


def test_options_outdo_the_environment(
    opsctl: Opsctl, host: Host, admin: Identity, viewer: Identity
) -> None:
    run = opsctl(
        *("whoami", "--json", "--target", host.address, "--ca", viewer.ca),
        *("--cert", viewer.certificate, "--key", viewer.private_key),
        *("--server-name", "localhost"),
        env=environment_of("nowhere.invalid:1", admin),
    )
    assert parse(run)["principal"].endswith("/viewer")


def test_status(opsctl: Opsctl, operator: dict[str, str], host: Host) -> None:
    run = opsctl("status", env=operator)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert f"{host.pid} on" in run.stdout
    document = parse(opsctl("status", "--json", env=operator))
    assert document["process"]["pid"] == host.pid
    assert document["garbage_collector"]["enabled"] is True
    # Zero and empty fields are there too.
    assert document["running_evaluations"] == []


@needs_engine
def test_heap_summary(opsctl: Opsctl, operator: dict[str, str]) -> None:
    run = opsctl("heap", "summary", "--limit", 3, "--by", "count", env=operator)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    lines = run.stdout.splitlines()
    assert lines[0].split() == ["count", "size", "type"]
    assert len(lines) == 5
    assert "stood still for" in lines[4]
    document = parse(opsctl("heap", "summary", "--json", "--limit", 3, env=operator))
    sizes = [int(each["total_size"]) for each in document["types"]]
    assert len(sizes) == 3
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.long
@needs_engine
def test_heap_capture_and_convert(
    opsctl: Opsctl, operator: dict[str, str], host: Host, tmp_path: Path
) -> None:
    heap, chrome = tmp_path / "some.heapgraph", tmp_path / "some.heapsnapshot"
    run = opsctl("heap", "capture", "-o", heap, env=operator)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert "stood still for" in run.stdout
    assert read_heap_graph(heap).header.process.pid == host.pid

    document = parse(opsctl("heap", "capture", "-o", heap, "--json", env=operator))
    graph = read_heap_graph(heap)
    assert document["path"] == str(heap)
    assert int(document["trailer"]["object_count"]) == graph.object_count

    host.run("shown = {'a key of ' + 'the test': 'a value of ' + 'the test'}")
    options = ("--content", "values", "--content-limit", 20, "--hash-strings")
    run = opsctl("heap", "capture", "-o", heap, *options, env=operator)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert "contains data of the process" in run.stdout
    graph = read_heap_graph(heap)
    assert graph.header.content_limit == 20
    assert len(graph.string_hashes) > 0

    run = opsctl("heap", "convert", heap, chrome)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    document = parse(opsctl("heap", "convert", heap, chrome, "--json"))
    assert document["object_count"] == graph.object_count
    assert document["byte_count"] == chrome.stat().st_size
    snapshot = json.loads(chrome.read_text())["snapshot"]
    assert snapshot["node_count"] > graph.object_count
    strings = json.loads(chrome.read_text())["strings"]
    assert {"a key of the test", "a value of the test"} <= set(strings)


@needs_engine
def test_a_bar_shows_on_a_terminal(
    start_opsctl: StartOpsctl, operator: dict[str, str], tmp_path: Path
) -> None:
    terminal, side = pty.openpty()
    run = start_opsctl(
        *("heap", "capture", "-o", tmp_path / "some.heapgraph"),
        env={**operator, "TERM": "xterm"},
        stderr=side,
    )
    os.close(side)
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:
        pass  # Linux reports with this error that the other side was closed.
    os.close(terminal)
    stdout, _ = run.communicate()
    assert run.returncode == ExitCode.OK
    assert b"Capturing" in shown
    assert b"%" in shown
    assert "Captured" in stdout


def test_leaks_watch(opsctl: Opsctl, operator: dict[str, str]) -> None:
    times = ("--interval", 0.2, "--duration", 0.4, "--allow-pause")
    run = opsctl("leaks", "watch", *times, "--keep-baseline", env=operator)
    assert run.returncode == ExitCode.GROWTH_INCONCLUSIVE
    assert "sample 1:" in run.stdout
    assert "Verdict after 3 samples: inconclusive. 3 of the 6 samples" in run.stdout
    baseline = run.stdout.splitlines()[-1].removeprefix("Baseline: ")

    run = opsctl("leaks", "watch", *times, "--baseline", baseline, env=operator)
    assert "Growth since the baseline of" in run.stdout
    run = opsctl("leaks", "watch", *times, "--baseline", "other", env=operator)
    assert run.returncode == ExitCode.INVALID_REQUEST
    assert "no baseline 'other'" in run.stderr

    run = opsctl("leaks", "watch", *times, "--json", env=operator)
    assert run.returncode == ExitCode.GROWTH_INCONCLUSIVE
    documents = [json.loads(line) for line in run.stdout.splitlines()]
    kinds = [next(iter(document)) for document in documents]
    assert kinds == ["header", *["report"] * (len(kinds) - 2), "trailer"]
    assert documents[1]["report"]["sample_count"] == 1


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "exit_code"),
    [
        ("6 * 7", "42\n", "", ExitCode.OK),
        ("x = 1", "", "", ExitCode.OK),
        ("print('a\\tb'); print('ü')", "a\tb\nü\n", "", ExitCode.OK),
        ("print('no newline', end='')", "no newline\n", "", ExitCode.OK),
        ("import sys; print('seen', file=sys.stderr)", "", "seen\n", ExitCode.OK),
        ("print(1); 1 / 0", "1\n", "ZeroDivisionError", ExitCode.CODE_RAISED),
        ("raise SystemExit(0)", "", "SystemExit", ExitCode.CODE_RAISED),
        ("if", "", "SyntaxError", ExitCode.CODE_INVALID),
    ],
)
def test_eval(
    opsctl: Opsctl,
    operator: dict[str, str],
    code: str,
    stdout: str,
    stderr: str,
    exit_code: ExitCode,
) -> None:
    run = opsctl("eval", code, env=operator)
    assert (run.stdout, run.returncode) == (stdout, exit_code)
    assert stderr in run.stderr
    assert bool(stderr) == bool(run.stderr)


def test_eval_from_standard_input_and_as_json(opsctl: Opsctl, operator: dict[str, str]) -> None:
    run = opsctl("eval", "-", env=operator, stdin=None, input="print('one')\nprint('two')")
    assert run.stdout == "one\ntwo\n"
    run = opsctl("eval", "1 / 0", "--json", env=operator)
    assert (run.returncode, run.stderr) == (ExitCode.CODE_RAISED, "")
    document = json.loads(run.stdout)
    assert document["result"]["exception"]["type_name"] == "ZeroDivisionError"


def test_eval_at_its_time_limit(opsctl: Opsctl, start_host: StartHost, admin: Identity) -> None:
    # A separate host: an evaluation that cannot be stopped keeps its slot.
    operator = environment_of(start_host().address, admin)
    run = opsctl("eval", "while True: pass", "--time-limit", 0.3, env=operator)
    assert run.returncode == ExitCode.CODE_TIMED_OUT
    assert "stopped at its time limit" in run.stderr
    run = opsctl("eval", "import time; time.sleep(60)", "--time-limit", 0.3, env=operator)
    assert run.returncode == ExitCode.CODE_STILL_RUNNING
    assert "opsctl status" in run.stderr
    assert ADMIN in opsctl("status", env=operator).stdout


@pytest.mark.long
def test_text_of_the_host_cannot_steer_the_terminal(
    opsctl: Opsctl, start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    host.run(
        r"evil = type('[red]Evil\x1b[2J\x9b1m\u202e:smile:', (), {})"
        "\n"
        "many = [evil() for _ in range(200_000)]"
    )
    operator = environment_of(host.address, admin)
    prints = r"print('\x1b]0;title\x07 \x9b2J \u202e [bold]plain[/bold]\r')"
    run = opsctl("eval", prints, env=operator)
    assert run.stdout == r"\x1b]0;title\x07 \x9b2J \u202e [bold]plain[/bold]\r" "\n"
    raised = opsctl("eval", r"raise ValueError('\x1b[2J')", env=operator)
    assert r"ValueError: \x1b[2J" in raised.stderr
    summary = opsctl("heap", "summary", "--allow-pause", "--limit", 50, env=operator)
    assert r"[red]Evil\x1b[2J\x9b1m\u202e:smile:" in summary.stdout
    for each in (run, raised, summary):
        assert not {"\x1b", "\x9b", "\u202e", "\r"} & {*each.stdout, *each.stderr}
    document = opsctl("eval", prints, "--json", env=operator).stdout
    assert document.isascii()
    assert json.loads(document)["output"][0]["text"].startswith("\x1b]0;title")


def test_certs_init(opsctl: Opsctl, start_host: StartHost, tmp_path: Path) -> None:
    directory = tmp_path / "certs"
    document = parse(opsctl("certs", "init", directory, "--json"))
    names = {path.name for path in directory.iterdir()}
    assert names == set(document["files"])
    assert {path.name for path in tmp_path.iterdir()} == {"certs"}
    for name in names:
        mode = stat.S_IMODE((directory / name).stat().st_mode)
        assert mode == (0o600 if name.endswith("-key.pem") else 0o644)

    before = {name: (directory / name).read_bytes() for name in names}
    again = opsctl("certs", "init", directory)
    assert again.returncode == ExitCode.FILE_NOT_WRITTEN
    assert "already exists" in again.stderr
    assert {name: (directory / name).read_bytes() for name in names} == before

    host = start_host(
        tls={
            "certificate": str(directory / "server.pem"),
            "private_key": str(directory / "server-key.pem"),
            "client_ca": str(directory / "ca.pem"),
        },
        authorization={"trust_domains": ["ops.local"]},
        grants=[{"principal": document["principal"], "capabilities": ALL}],
    )
    operator = {
        "OPSCTL_CA": str(directory / "ca.pem"),
        "OPSCTL_CERT": str(directory / "client.pem"),
        "OPSCTL_KEY": str(directory / "client-key.pem"),
    }
    _, _, port = host.address.rpartition(":")
    for name in ("127.0.0.1", "localhost"):
        run = opsctl("whoami", "--json", "--target", f"{name}:{port}", env=operator)
        assert parse(run)["principal"] == "spiffe://ops.local/operator"


@pytest.fixture
def watching(start_opsctl: StartOpsctl, operator: dict[str, str]) -> subprocess.Popen[str]:
    """A watch that has printed its first line."""
    run = start_opsctl(
        *("leaks", "watch", "--interval", 0.1, "--duration", 600, "--allow-pause"),
        env={**operator, "PYTHONUNBUFFERED": "1"},
    )
    assert run.stdout is not None
    assert "sample 1:" in run.stdout.readline()
    return run


def test_ctrl_c_is_quiet(watching: subprocess.Popen[str], host: Host) -> None:
    watching.send_signal(signal.SIGINT)
    _, stderr = watching.communicate()
    assert (watching.returncode, stderr) == (ExitCode.INTERRUPTED, "")
    host.assert_alive()


def test_a_broken_pipe_is_quiet(watching: subprocess.Popen[str]) -> None:
    assert watching.stdout is not None
    assert watching.stderr is not None
    watching.stdout.close()
    stderr = watching.stderr.read()
    assert (watching.wait(), stderr) == (ExitCode.BROKEN_PIPE, "")
