"""Run real servers under steady load with the background watch: none may be reported as leaking.

Usage: python soak_servers.py [--minutes N] [--rate N] [--out FILE]

gunicorn with Django, uvicorn with FastAPI and Celery run side by side with two workers
each. Every 15 s, and at the end, each worker's history is read over mTLS. Prints the
conclusion of each watch, and each kind of alarm with its reason. Exits with 1 if any
report had the verdict LEAK or OUTSIDE_PYTHON. With ``--out`` the reports are written as
JSON lines, to show how a verdict came about.
"""

from __future__ import annotations

import argparse
import http.client
import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from ops_client import ClientCredentials, GrowthHistory, MaintenanceClient
from ops_client.errors import OpsClientError
from ops_service.v1 import growth_pb2
from ops_service.v1.growth_pb2 import HeapGrowthReport as GrowthReport

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples/integrations"
MAX_SAMPLES = 180
START_SECONDS = 90.0
READ_SECONDS = 15.0
ALARMS = (growth_pb2.HEAP_GROWTH_VERDICT_LEAK, growth_pb2.HEAP_GROWTH_VERDICT_OUTSIDE_PYTHON)

CONFIG = """
[server]
address = "127.0.0.1:0"
run_directory = "{run}"
slots = 8
[tls]
certificate = "{certs}/server.pem"
private_key = "{certs}/server-key.pem"
client_ca = "{certs}/ca.pem"
[authorization]
trust_domains = ["ops.local"]
[[grants]]
principal = "spiffe://ops.local/operator"
capabilities = ["INSPECT"]
[audit]
file = "{directory}/audit.jsonl"
[watch]
interval_seconds = {interval}
"""


@dataclass
class Server:
    """A server with its workers, and the load on it."""

    name: str
    workers: int
    command: list[str]
    folder: Path
    directory: Path
    process: subprocess.Popen[bytes] | None = None
    calls: int = 0
    failures: int = 0
    histories: dict[int, GrowthHistory] = field(default_factory=dict)
    """The latest history of each worker, by pid."""
    whole: dict[tuple[int, int], GrowthReport] = field(default_factory=dict)
    """Complete reports, with suspects and figures, by pid and time."""

    def start(self, interval: float, certs: Path) -> None:
        """Start the server, and wait for the ports of its workers."""
        config = self.directory / "ops.toml"
        run = self.directory / "run"
        config.write_text(
            CONFIG.format(run=run, certs=certs, directory=self.directory, interval=interval)
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self.command],
            cwd=self.folder,
            env={
                **os.environ,
                "OPS_SERVICE_CONFIG": str(config),
                "BROKER_DIRECTORY": str(self.directory),
                "SOAK_DATABASE": str(self.directory / "site.sqlite3"),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=(self.directory / "output.txt").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        limit = time.monotonic() + START_SECONDS
        while len(self.addresses()) < self.workers:
            if self.process.poll() is not None or time.monotonic() > limit:
                raise SystemExit(f"{self.name}: {(self.directory / 'output.txt').read_text()}")
            time.sleep(0.1)

    def addresses(self) -> dict[int, str]:
        """Return the addresses of its workers, by pid."""
        found = {}
        for path in (self.directory / "run").glob("worker-*.json"):
            with suppress(OSError, ValueError):
                worker = json.loads(path.read_text())
                found[worker["pid"]] = worker["address"]
        return found

    def read(self, credentials: ClientCredentials) -> None:
        """Read the history of each worker's watch."""
        if self.process is not None and self.process.poll() is not None:
            raise SystemExit(f"{self.name} ended: {(self.directory / 'output.txt').read_text()}")
        for pid, address in self.addresses().items():
            try:
                with MaintenanceClient(address, credentials) as client:
                    history = self.histories[pid] = client.read_growth_history()
            except OpsClientError as error:
                print(f"{self.name} {pid}: {error}", flush=True)
                continue
            for report in (history.latest, history.suspected):
                if report is not None:
                    self.whole[pid, report.sample_time.ToNanoseconds()] = report

    def stop(self) -> None:
        """Kill the server and all processes that it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def load(server: Server, call: Callable[[int], bool], rate: float, stop: threading.Event) -> None:
    """Call at a steady pace until ``stop`` is set."""
    due = time.monotonic()
    while not stop.is_set():
        try:
            server.failures += not call(server.calls)
        except (OSError, http.client.HTTPException):
            server.failures += 1
        server.calls += 1
        due = max(due + 1 / rate, time.monotonic() - 1)
        stop.wait(max(0.0, due - time.monotonic()))


def site_call(port: int) -> Callable[[int], bool]:
    """Request pages in sessions of ten visits; sometimes a failing one or the session count."""
    cookie = ""

    def call(number: int) -> bool:
        nonlocal cookie
        path, wanted = "/", 200
        if number % 50 == 7:
            path, wanted = "/failing?number=7", 500
        elif number % 200 == 9:
            path = "/visits"
        if number % 10 == 0:
            cookie = ""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        answer.read()
        cookie = (answer.headers.get("Set-Cookie") or cookie).split(";")[0]
        connection.close()
        return answer.status == wanted

    return call


def api_call(port: int) -> Callable[[int], bool]:
    """Post orders and read each; sometimes the order is missing."""

    def call(number: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        if number % 2:
            connection.request("GET", f"/orders/{number - 1}")
            wanted = {200, 404}
        else:
            lines = [{"item": f"item {line}", "count": line} for line in range(number % 9)]
            body = json.dumps({"number": number, "lines": lines})
            connection.request("POST", "/orders", body, {"Content-Type": "application/json"})
            wanted = {200}
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status in wanted

    return call


def job_call(directory: Path) -> Callable[[int], bool]:
    """Send tasks to Celery's workers.

    The broker is a directory, and a worker exits if it finds half a message there. So each
    message is written elsewhere and moved into the directory.
    """
    os.environ["BROKER_DIRECTORY"] = str(directory)
    sys.path.append(str(EXAMPLES))
    jobs = importlib.import_module("celery_app")
    written = directory / "written"
    written.mkdir()
    jobs.app.conf.broker_transport_options = {
        "data_folder_in": str(written),
        "data_folder_out": str(written),
        "control_folder": str(directory / "control"),
    }

    def call(number: int) -> bool:
        jobs.add.delay(number, 1)
        for message in list(written.iterdir()):
            message.rename(jobs.folder / message.name)
        return True

    return call


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def name_of(report: GrowthReport) -> str:
    """Return the name of the report's verdict."""
    name = growth_pb2.HeapGrowthVerdict.Name(report.verdict)
    return str(name).removeprefix("HEAP_GROWTH_VERDICT_")


def alarms_of(history: GrowthHistory) -> dict[str, list[tuple[float, str]]]:
    """Group alarms by reason, ignoring figures, with the minute and reason of each."""
    found = defaultdict(list)
    begin = history.reports[0].sample_time.ToNanoseconds()
    for report in history.reports:
        if report.verdict in ALARMS:
            minute = (report.sample_time.ToNanoseconds() - begin) / 60e9
            found[re.sub(r"[\d,.]+", "#", report.reason)].append((minute, report.reason))
    return found


def say(server: Server) -> int:
    """Print the conclusion of each worker's watch. Returns the number of alarmed workers."""
    alarmed = 0
    for pid, history in sorted(server.histories.items()):
        verdicts = Counter(map(name_of, history.reports))
        latest = history.latest
        assert latest is not None
        first = history.reports[0]
        print(
            f"{server.name:8} {pid:8}: {len(history.reports)} reports, "
            + ", ".join(f"{name} {count}" for name, count in sorted(verdicts.items()))
            + f"; {first.object_count:,} -> {latest.object_count:,} objects, "
            f"{first.resident_bytes >> 20} -> {latest.resident_bytes >> 20} MiB resident",
            f"\n{'':19}{latest.reason}",
            flush=True,
        )
        alarms = alarms_of(history)
        alarmed += bool(alarms)
        for told in alarms.values():
            (begin, _), (end, reason) = told[0], told[-1]
            print(f"{'':12}ALARM  {len(told)} times, minute {begin:.1f} to {end:.1f}: {reason}")
    print(f"{server.name:8} {server.calls:,} calls, {server.failures} failed", flush=True)
    return alarmed


def write_reports(servers: list[Server], path: Path) -> None:
    """Write reports as JSON lines; those read in time include their suspects."""
    with path.open("w") as file:
        for server in servers:
            for pid, history in sorted(server.histories.items()):
                for report in history.reports:
                    whole = server.whole.get((pid, report.sample_time.ToNanoseconds()), report)
                    content = MessageToDict(whole, preserving_proto_field_name=True)
                    file.write(json.dumps({"server": server.name, "pid": pid, **content}) + "\n")


def make_servers(directory: Path, site: int, api: int) -> list[Server]:
    """Return gunicorn and uvicorn on these ports, and Celery."""
    gunicorn = ["gunicorn", "-c", str(EXAMPLES / "gunicorn.conf.py")]
    gunicorn += ["-b", f"127.0.0.1:{site}", "soak_site:application"]
    uvicorn = ["uvicorn", "--workers", "2", "--port", str(api), "--log-level", "warning"]
    uvicorn += ["soak_api:app"]
    celery = ["celery", "-A", "celery_app", "worker", "--concurrency", "2"]
    return [
        Server("gunicorn", 2, gunicorn, HERE / "soak", directory / "site"),
        Server("uvicorn", 2, uvicorn, HERE / "soak", directory / "api"),
        Server("celery", 2, celery, EXAMPLES, directory / "celery"),
    ]


def start_servers(servers: list[Server], directory: Path, interval: float, certs: Path) -> None:
    """Make the directories of the servers and the site's database, and start all of them."""
    for server in servers:
        server.directory.mkdir()
    subprocess.run(
        [sys.executable, HERE / "soak/soak_site.py"],
        env={**os.environ, "SOAK_DATABASE": str(directory / "site/site.sqlite3")},
        check=True,
    )
    for server in servers:
        server.start(interval, certs)


def main() -> int:
    """Run the soak with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second to each server")
    parser.add_argument("--out", type=Path, help="a file for the reports")
    options = parser.parse_args()
    interval = max(0.5, options.minutes * 60 / MAX_SAMPLES)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        certs = directory / "certs"
        opsctl = Path(sys.executable).with_name("opsctl")
        subprocess.run([opsctl, "certs", "init", certs], check=True, stdout=subprocess.DEVNULL)
        credentials = ClientCredentials(
            certs / "ca.pem", certs / "client.pem", certs / "client-key.pem"
        )
        site, api = free_port(), free_port()
        servers = make_servers(directory, site, api)
        print(
            f"{options.minutes:g} minutes, {options.rate:g} calls a second to each server, "
            f"a sample each {interval:.1f} s",
            flush=True,
        )
        stop = threading.Event()
        callers: list[threading.Thread] = []
        try:
            start_servers(servers, directory, interval, certs)
            calls = (site_call(site), api_call(api), job_call(directory / "celery"))
            for server, call in zip(servers, calls, strict=True):
                arguments = (server, call, options.rate, stop)
                callers.append(threading.Thread(target=load, args=arguments, daemon=True))
                callers[-1].start()
            end = time.monotonic() + options.minutes * 60
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(READ_SECONDS, left))
                for server in servers:
                    server.read(credentials)
        finally:
            stop.set()
            # Otherwise a call in progress would fail because its server ends.
            for caller in callers:
                caller.join(START_SECONDS)
            for server in servers:
                server.stop()
    if options.out:
        write_reports(servers, options.out)
    alarmed = sum(map(say, servers))
    watched = sum(len(server.histories) for server in servers)
    print(f"{watched} workers watched, {alarmed} of them with an alarm at any time")
    return 1 if alarmed or watched < sum(server.workers for server in servers) else 0


if __name__ == "__main__":
    sys.exit(main())
