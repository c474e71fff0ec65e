"""Each failure of opsctl: one sentence that says what to do, and its own exit code."""

from __future__ import annotations

import inspect
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_site.attributes import attribute_docstrings
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from fix_host import ADMIN, Host, StartHost
from fix_opsctl import Opsctl, StartOpsctl, environment_of
from graph_writer import Graph, Node, default_header, file_bytes

from ops_client import errors
from ops_client.cli.exit_codes import CODES, ExitCode
from ops_service.heap.engine import engine_status
from ops_service.v1 import heap_graph_pb2 as pb

needs_engine = pytest.mark.skipif(
    not engine_status().available, reason=f"no snapshot engine: {engine_status().reason}"
)


def assert_fails(run: subprocess.CompletedProcess[str], code: ExitCode, *sentences: str) -> None:
    assert (run.returncode, run.stdout) == (code, "")
    assert run.stderr.startswith("opsctl: ")
    assert run.stderr.count("\n") == 1
    for sentence in sentences:
        assert sentence in run.stderr


def test_every_exception_has_an_exit_code() -> None:
    kinds = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.OpsClientError)
    }
    assert set(CODES) == kinds
    # The same error, once for a file and once for a live process.
    assert CODES[errors.NoSuchObject] == CODES[errors.ObjectNotFound]
    leaves = [
        kind for kind in kinds if not kind.__subclasses__() and kind is not errors.NoSuchObject
    ]
    assert max(Counter(CODES[kind] for kind in leaves).values()) == 1
    assert {ExitCode.OK, ExitCode.USAGE, ExitCode.INTERRUPTED}.isdisjoint(CODES.values())


def test_every_exit_code_has_a_meaning() -> None:
    # The reference page is built from them.
    meanings = attribute_docstrings(ExitCode)
    assert [code.name for code in ExitCode if not meanings[code.name]] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["whoami"],
        ["whoami", "--target", "localhost:1"],
        ["heap", "capture", "--target", "localhost:1", "--ca", "ca.pem"],
        ["heap", "summary", "--target", "x:1", "--ca", "ca.pem", "--limit", "0"],
        ["heap", "summary", "--target", "x:1", "--ca", "ca.pem", "--by", "colour"],
        ["heap", "convert", "only-one"],
        ["no-such-command"],
        ["whoami", "--no-such-option"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line(opsctl: Opsctl, arguments: list[str]) -> None:
    run = opsctl(*arguments)
    assert (run.returncode, run.stdout) == (ExitCode.USAGE, "")
    assert "Usage: opsctl" in run.stderr


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    """Run opsctl's main function in an interpreter that a script prepares."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_packages_that_are_missing() -> None:
    script = "import sys; sys.modules['typer'] = None; from ops_client.cli import main; main()"
    run = run_script(script)
    assert_fails(run, ExitCode.MISSING_PACKAGES, "pip install 'ops-service[cli]'")


def test_packages_that_one_command_lacks() -> None:
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "sys.argv = ['opsctl', 'certs', 'init', 'certs']\n"
        "from ops_client.cli import main; main()"
    )
    run = run_script(script)
    assert_fails(run, ExitCode.MISSING_PACKAGES, "the package cryptography is missing")


def test_a_command_on_files_loads_no_grpc() -> None:
    script = (
        "import sys; sys.argv = ['opsctl', 'heap', 'convert', 'absent', 'out']\n"
        "from ops_client.cli import main\n"
        "try: main()\n"
        "finally: print(*{'grpc', 'asyncio', 'prompt_toolkit', 'cryptography'} & {*sys.modules})"
    )
    run = run_script(script)
    assert (run.returncode, run.stdout) == (ExitCode.FILE_NOT_READ, "\n")


def test_no_certificate(opsctl: Opsctl, host: Host, admin: Identity) -> None:
    run = opsctl("whoami", "--target", host.address, "--ca", admin.ca)
    assert_fails(run, ExitCode.TLS_FAILED, "TLS", "client certificate", "Give cert and key")


def test_a_wrong_ca(opsctl: Opsctl, host: Host, admin: Identity, tmp_path: Path) -> None:
    stranger = CertificateAuthority(tmp_path).issue("stranger", uri(ADMIN))
    operator = environment_of(host.address, admin)
    run = opsctl("whoami", "--ca", stranger.ca, env=operator)
    assert_fails(run, ExitCode.TLS_FAILED, "TLS", "not signed by the CA given")
    run = opsctl("whoami", "--ca", admin.ca, env=environment_of(host.address, stranger))
    assert_fails(run, ExitCode.TLS_FAILED, "TLS", "does not accept the client certificate")


def test_a_wrong_server_name(opsctl: Opsctl, host: Host, admin: Identity) -> None:
    operator = {**environment_of(host.address, admin), "OPSCTL_SERVER_NAME": "other.example"}
    assert_fails(opsctl("whoami", env=operator), ExitCode.TLS_FAILED, "another name")


def test_files_that_are_not_there(opsctl: Opsctl, admin: Identity, tmp_path: Path) -> None:
    operator = environment_of("localhost:1", admin)
    run = opsctl("whoami", "--ca", tmp_path / "absent.pem", env=operator)
    assert_fails(run, ExitCode.CREDENTIALS, "absent.pem", "opsctl certs init")


def test_a_target_that_is_not_there(opsctl: Opsctl, admin: Identity) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"localhost:{listener.getsockname()[1]}"
    run = opsctl("status", env=environment_of(target, admin))
    assert_fails(run, ExitCode.NOTHING_LISTENING, "Nothing listens", target)


def test_a_host_that_is_not_there(opsctl: Opsctl, admin: Identity) -> None:
    run = opsctl("status", env=environment_of("no-such-host.invalid:1", admin))
    assert_fails(run, ExitCode.HOST_UNREACHABLE, "cannot be found")


@pytest.fixture
def silent_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"localhost:{listener.getsockname()[1]}"


def test_a_silent_port(opsctl: Opsctl, silent_port: str, admin: Identity) -> None:
    run = opsctl("status", env=environment_of(silent_port, admin))
    assert_fails(run, ExitCode.SERVER_SILENT, "GIL", "no CPU", "py-spy dump")


def test_a_missing_capability(opsctl: Opsctl, host: Host, viewer: Identity) -> None:
    run = opsctl("eval", "1", env=environment_of(host.address, viewer))
    assert_fails(run, ExitCode.PERMISSION_DENIED, "EVALUATE", "/viewer")


def test_evaluation_that_is_off(opsctl: Opsctl, start_host: StartHost, admin: Identity) -> None:
    host = start_host(evaluation={"enabled": False})
    run = opsctl("eval", "1", env=environment_of(host.address, admin))
    assert_fails(run, ExitCode.EVALUATION_DISABLED)


def test_output_that_cannot_be_written(opsctl: Opsctl, host: Host, admin: Identity) -> None:
    operator = environment_of(host.address, admin)
    with open("/dev/full", "w") as full:
        run = opsctl(
            "whoami", env=operator, capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
    assert run.returncode == ExitCode.FILE_NOT_WRITTEN
    assert run.stderr == "opsctl: the output could not be written: No space left on device.\n"


@needs_engine
def test_a_full_disk(opsctl: Opsctl, host: Host, admin: Identity, tmp_path: Path) -> None:
    target = tmp_path / "some.heapgraph"
    target.write_text("what stood there before")
    operator = environment_of(host.address, admin)
    run = opsctl("heap", "capture", "-o", target, env=operator, file_size=50_000)
    assert_fails(run, ExitCode.FILE_NOT_WRITTEN, "some.heapgraph was not written", "size limit")
    assert target.read_text() == "what stood there before"
    assert list(tmp_path.iterdir()) == [target]
    host.assert_alive()


@needs_engine
def test_a_directory_that_is_not_there(
    opsctl: Opsctl, host: Host, admin: Identity, tmp_path: Path
) -> None:
    operator = environment_of(host.address, admin)
    run = opsctl("heap", "capture", "-o", tmp_path / "absent" / "x", env=operator)
    assert_fails(run, ExitCode.FILE_NOT_WRITTEN, "No such file or directory")


@needs_engine
def test_an_interrupted_capture_leaves_nothing(
    start_opsctl: StartOpsctl, start_host: StartHost, admin: Identity, tmp_path: Path
) -> None:
    host = start_host()
    gc_never_comes = ("--gc-moment", "after-next-full-collection", "--gc-wait", "600")
    host.run("import gc; gc.disable()")
    run = start_opsctl(
        *("heap", "capture", "-o", tmp_path / "some.heapgraph", *gc_never_comes),
        env=environment_of(host.address, admin),
    )
    eventually(lambda: run.poll() is not None or list(tmp_path.glob("*.part")))
    assert run.poll() is None
    run.send_signal(signal.SIGINT)
    assert run.communicate() == ("", "")
    assert run.returncode == ExitCode.INTERRUPTED
    assert list(tmp_path.iterdir()) == []


GRAPH = Graph(
    [pb.HeapType(qualified_name="list", kind=pb.HEAP_TYPE_KIND_PYTHON)],
    [],
    [Node(id=11, flags=4)] * 20,
)


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (file_bytes(GRAPH)[:-10], ExitCode.TRUNCATED_HEAP_GRAPH_FILE, "its end is missing"),
        (b"", ExitCode.TRUNCATED_HEAP_GRAPH_FILE, "empty"),
        (
            file_bytes(GRAPH).replace(b"list", b"tsil"),
            ExitCode.CORRUPT_HEAP_GRAPH_FILE,
            "SHA-256",
        ),
        (b'{"snapshot": {}}' * 9, ExitCode.NOT_A_HEAP_GRAPH_FILE, "not a heap graph file"),
        (
            file_bytes(GRAPH, header=default_header(format_version=9)),
            ExitCode.UNSUPPORTED_HEAP_GRAPH_FILE,
            "Upgrade ops-service",
        ),
    ],
    ids=["truncated", "empty", "altered", "foreign", "newer"],
)
def test_a_file_that_cannot_be_converted(
    opsctl: Opsctl, tmp_path: Path, content: bytes, code: ExitCode, sentence: str
) -> None:
    source, target = tmp_path / "some.heapgraph", tmp_path / "some.heapsnapshot"
    source.write_bytes(content)
    target.write_text("what stood there before")
    assert_fails(opsctl("heap", "convert", source, target), code, str(source), sentence)
    assert target.read_text() == "what stood there before"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_to_convert_that_is_not_there(opsctl: Opsctl, tmp_path: Path) -> None:
    run = opsctl("heap", "convert", tmp_path / "absent", tmp_path / "out")
    assert_fails(run, ExitCode.FILE_NOT_READ, "absent cannot be read")


def test_a_converted_file_that_does_not_fit(opsctl: Opsctl, tmp_path: Path) -> None:
    source, target = tmp_path / "some.heapgraph", tmp_path / "some.heapsnapshot"
    nodes = [Node(id=number * 2 + 5, flags=4) for number in range(4000)]
    source.write_bytes(file_bytes(Graph(GRAPH.types, [], nodes)))
    run = opsctl("heap", "convert", source, target, file_size=50_000)
    assert_fails(run, ExitCode.FILE_NOT_WRITTEN, "some.heapsnapshot was not written")
    assert list(tmp_path.iterdir()) == [source]


def test_certificates_that_cannot_be_written(opsctl: Opsctl, tmp_path: Path) -> None:
    in_the_way = tmp_path / "certs"
    in_the_way.write_text("")
    run = opsctl("certs", "init", in_the_way)
    assert_fails(run, ExitCode.FILE_NOT_WRITTEN, "were not written")


def test_a_process_that_ends_during_a_watch(
    start_opsctl: StartOpsctl, start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    run = start_opsctl(
        *("leaks", "watch", "--interval", 0.1, "--json", "--allow-pause"),
        env=environment_of(host.address, admin),
    )
    assert run.stdout is not None
    assert "header" in json.loads(run.stdout.readline())
    host.process.kill()
    _, stderr = run.communicate()
    assert run.returncode == ExitCode.NOTHING_LISTENING
    assert stderr.startswith("opsctl: Nothing listens")
    assert os.linesep.join(stderr.splitlines()[1:]) == ""
