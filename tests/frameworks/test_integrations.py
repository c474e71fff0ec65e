"""Each example starts as its documentation says, and each of its workers has a port."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity
from fix_client import credentials_of
from fix_host import configuration, toml

from ops_client import MaintenanceClient

EXAMPLES = Path(__file__).resolve().parents[2] / "examples/integrations"
BIN = Path(sys.executable).parent
SECONDS = 90.0


class Application:
    """A running example."""

    def __init__(self, directory: Path, configuration_file: Path, *command: str) -> None:
        self.run_directory = directory / "run"
        self.output = directory / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                # uWSGI is a separate program, and the others are modules.
                [BIN / "uwsgi", *command[1:]]
                if command[0] == "uwsgi"
                else [sys.executable, "-m", *command],
                cwd=EXAMPLES,
                env={
                    **os.environ,
                    "OPS_SERVICE_CONFIG": str(configuration_file),
                    "BROKER_DIRECTORY": str(directory),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, what: Callable[[], Any]) -> Any:
        """Wait until a function returns something true, and return that."""

        def found() -> Any:
            given = what()
            assert given or self.process.poll() is None, self.output.read_text()
            return given

        return eventually(found, self.output.read_text, within=SECONDS)

    def descriptors(self) -> list[dict[str, Any]]:
        """The descriptors of its workers."""
        found = []
        for path in sorted(self.run_directory.glob("worker-*.json")):
            with contextlib.suppress(OSError):
                found.append(json.loads(path.read_text()))
        return found

    def wait_for_workers(self, count: int) -> list[dict[str, Any]]:
        """Wait until this many workers have a port."""

        def found() -> list[dict[str, Any]]:
            descriptors = self.descriptors()
            return descriptors if len(descriptors) == count else []

        workers: list[dict[str, Any]] = self.wait_for(found)
        return workers

    def get(self, port: int) -> Callable[[], str]:
        """Return a function that requests the application's own page."""

        def ask() -> str:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("GET", "/")
                return connection.getresponse().read().decode()
            except OSError:
                return ""
            finally:
                connection.close()

        return ask


Start = Callable[..., Application]


@pytest.fixture
def start(authority: CertificateAuthority, tmp_path: Path) -> Iterator[Start]:
    """Start an example with the arguments of ``python -m``."""
    running: list[Application] = []

    def run(*command: str) -> Application:
        config = configuration(authority, tmp_path / "audit.jsonl")
        config["server"] = {
            "address": "127.0.0.1:0",
            "run_directory": str(tmp_path / "run"),
            "slots": 8,
        }
        file = tmp_path / "ops.toml"
        file.write_text(toml(config))
        running.append(Application(tmp_path, file, *command))
        return running[-1]

    yield run
    for each in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def assert_all_answer(workers: list[dict[str, Any]], viewer: Identity, role: str) -> None:
    """Each worker answers at its own address, and lists all of them."""
    pids = sorted(worker["pid"] for worker in workers)
    assert len(set(pids)) == len(workers)
    for worker in workers:
        assert worker["role"] == role
        with MaintenanceClient(worker["address"], credentials_of(viewer)) as client:
            reply = client.list_workers()
        assert reply.process.pid == worker["pid"]
        assert sorted(each.process.pid for each in reply.workers if not each.stale) == pids


def stop(application: Application) -> None:
    """End it as an operator does. Its workers' descriptors are removed."""
    application.process.terminate()
    application.process.wait(60)
    assert application.descriptors() == []


@pytest.mark.parametrize(
    "options",
    [[], ["--preload"], ["--worker-class", "gthread"], ["--worker-class", "gthread", "--preload"]],
)
def test_gunicorn(start: Start, viewer: Identity, options: list[str]) -> None:
    port = free_port()
    application = start(
        "gunicorn", "-c", "gunicorn.conf.py", "-b", f"127.0.0.1:{port}", *options, "wsgi:app"
    )
    workers = application.wait_for_workers(2)
    assert_all_answer(workers, viewer, "gunicorn worker")
    assert application.wait_for(application.get(port)) == "hello\n"

    # A restarted worker takes its predecessor's slot.
    os.kill(workers[0]["pid"], signal.SIGKILL)
    pids = {worker["pid"] for worker in workers}

    def renewed() -> list[dict[str, Any]]:
        found = application.descriptors()
        new = {each["pid"] for each in found} - pids
        return found if len(found) == 2 and new else []

    again = application.wait_for(renewed)
    assert [each["slot"] for each in again] == [each["slot"] for each in workers]
    assert_all_answer(again, viewer, "gunicorn worker")
    stop(application)


@pytest.mark.parametrize("options", [[], ["--preload"]])
def test_gunicorn_with_workers_of_uvicorn(
    start: Start, viewer: Identity, options: list[str]
) -> None:
    port = free_port()
    application = start(
        *("gunicorn", "-c", "gunicorn.conf.py", "-b", f"127.0.0.1:{port}"),
        *("--worker-class", "uvicorn_worker.UvicornWorker", *options, "fastapi_app:app"),
    )
    workers = application.wait_for_workers(2)
    assert_all_answer(workers, viewer, "gunicorn worker")
    assert application.wait_for(application.get(port)) == '{"hello":"world"}'
    # These workers finish and then end by the signal itself, so no hook runs at their end. A
    # descriptor may stay, and is recognised as stale.
    application.process.terminate()
    application.process.wait(60)


def assert_refused(application: Application) -> None:
    """It goes on without a port, and says what to do."""
    application.wait_for(lambda: "run it in a worker without" in application.output.read_text())
    assert application.descriptors() == []
    assert "Traceback" not in application.output.read_text()


def test_gunicorn_with_gevent(start: Start) -> None:
    port = free_port()
    application = start(
        *("gunicorn", "-c", "gunicorn.conf.py", "-b", f"127.0.0.1:{port}"),
        *("--worker-class", "gevent", "wsgi:app"),
    )
    assert application.wait_for(application.get(port)) == "hello\n"
    assert_refused(application)


@pytest.mark.parametrize("kind", ["gevent", "eventlet"])
def test_green_threads(start: Start, kind: str) -> None:
    application = start("green", kind)
    assert application.process.wait(60) == 0, application.output.read_text()
    printed = application.output.read_text()
    assert "run it in a worker without" in printed
    assert "goes on without a port" in printed


@pytest.mark.parametrize("kind", ["gevent", "eventlet"])
def test_celery_with_green_threads(start: Start, kind: str) -> None:
    application = start(
        *("celery", "-A", "celery_app", "worker", "--concurrency", "2", "--pool", kind)
    )
    assert_refused(application)


@pytest.mark.parametrize("options", [[], ["--lazy-apps"]])
def test_uwsgi(start: Start, viewer: Identity, options: list[str]) -> None:
    port = free_port()
    application = start(
        *("uwsgi", "--enable-threads", "--master", "--processes", "2", "--need-app"),
        *("--die-on-term", "--http-socket", f"127.0.0.1:{port}", *options),
        *("--module", "uwsgi_app:app"),
    )
    assert_all_answer(application.wait_for_workers(2), viewer, "uwsgi worker")
    assert application.wait_for(application.get(port)) == "hello\n"
    stop(application)


def test_uwsgi_without_threads(start: Start) -> None:
    port = free_port()
    application = start("uwsgi", "--http-socket", f"127.0.0.1:{port}", "--module", "uwsgi_app:app")
    assert application.wait_for(application.get(port)) == "hello\n"
    assert "start it with enable-threads" in application.output.read_text()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(start: Start, viewer: Identity, method: str) -> None:
    application = start("pool", method, "600")
    assert_all_answer(application.wait_for_workers(2), viewer, "pool process")


def test_fastapi_under_uvicorn(start: Start, viewer: Identity) -> None:
    port = free_port()
    application = start("uvicorn", "--workers", "2", "--port", str(port), "fastapi_app:app")
    assert_all_answer(application.wait_for_workers(2), viewer, "asgi worker")
    assert application.wait_for(application.get(port)) == '{"hello":"world"}'
    stop(application)


def test_flask(start: Start, viewer: Identity) -> None:
    port = free_port()
    application = start("flask", "--app", "flask_app", "run", "--port", str(port))
    # The port opens with the first request.
    assert application.wait_for(application.get(port)) == "hello\n"
    assert_all_answer(application.wait_for_workers(1), viewer, "flask")


def test_django(start: Start, viewer: Identity) -> None:
    port = free_port()
    application = start("manage", "runserver", "--noreload", f"127.0.0.1:{port}")
    assert_all_answer(application.wait_for_workers(1), viewer, "django")
    assert application.wait_for(application.get(port)) == "hello\n"


def test_django_commands_get_no_port(start: Start) -> None:
    application = start("manage", "check")
    assert application.process.wait(60) == 0, application.output.read_text()
    assert not application.run_directory.exists()


@pytest.mark.parametrize(
    ("pool", "role", "count"),
    [("prefork", "celery process", 2), ("threads", "celery worker", 1)],
)
def test_celery(start: Start, viewer: Identity, pool: str, role: str, count: int) -> None:
    application = start(
        *("celery", "-A", "celery_app", "worker", "--concurrency", "2", "--pool", pool)
    )
    assert_all_answer(application.wait_for_workers(count), viewer, role)


def test_a_script(start: Start, viewer: Identity) -> None:
    application = start("ops_service", "run", "script.py", "600")
    (worker,) = application.wait_for_workers(1)
    assert_all_answer([worker], viewer, "script")
    with MaintenanceClient(worker["address"], credentials_of(viewer)) as client:
        stacks = client.capture_stacks(sample_distance=0)
    main = next(g for g in stacks.groups if g.members[0].name == "MainThread")
    assert main.frames[-1].function == "main"
    assert main.frames[-1].file.endswith("script.py")


def test_a_script_that_ends(start: Start) -> None:
    application = start("ops_service", "run", "script.py", "0")
    assert application.process.wait(60) == 0, application.output.read_text()
    assert application.descriptors() == []
    for arguments in ([], ["run"], ["run", "-m"], ["walk", "script.py"]):
        done = subprocess.run(
            [sys.executable, "-m", "ops_service", *arguments], capture_output=True, text=True
        )
        assert done.returncode == 2
        assert done.stderr.startswith("usage: ")


def test_a_port_that_cannot_open_keeps_nothing_from_starting(start: Start, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    # The hook waits at most a second, so the application may start before the reason appears.
    application = start("ops_service", "run", "script.py", "3600")
    told = "choose one of your own with mode 0700"
    application.wait_for(lambda: told in application.output.read_text())
    assert application.process.poll() is None
    application = start("ops_service", "run", "script.py", "0")
    assert application.process.wait(60) == 0
