"""Watch leak scenarios with ground truth through the real client.

Each runs in its own process under the service: 1,000 steps unobserved, then at a steady
pace while it is watched over mTLS. Prints a table; with ``--out`` writes one JSON line
per answer. tests/leakbench/README.md defines the form of a scenario.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from leakbench_scenarios import NoScenario, Scenario, read_scenarios

from ops_client import AsyncMaintenanceClient, ClientCredentials
from ops_service.v1 import growth_pb2

HERE = Path(__file__).parent
ROOT = HERE.parent
PACKAGES = ROOT / ".cache/leakbench"
INTERVAL = 0.6
DURATION = 15.0
TIMEOUT = 180.0
"""A machine that lacks CPU takes its samples late."""
PEERS = ("objgraph", "pympler", "memalot")
SHORT = ("sessions_dict", "lru_fill", "malloc_forgotten", "linked_chain", "cycles_uncollected")

CONFIG = """
[server]
address = "127.0.0.1:0"
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
file = "{audit}"
"""

VERDICTS = {
    growth_pb2.HEAP_GROWTH_VERDICT_LEAK: "leak",
    growth_pb2.HEAP_GROWTH_VERDICT_NO_LEAK: "no_leak",
    growth_pb2.HEAP_GROWTH_VERDICT_OUTSIDE_PYTHON: "native",
    growth_pb2.HEAP_GROWTH_VERDICT_INCONCLUSIVE: "inconclusive",
}


@dataclass
class Answer:
    """The watch's answer for a scenario."""

    name: str
    alarm: bool = False
    verdict: str = "error"
    type: str = ""
    holder: str = ""
    rows: list[tuple[str, int]] = field(default_factory=list)
    seconds: float = 0.0
    samples: int = 0
    error: str = ""
    peers: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """Return the answer as JSON, in the form of the scenarios' README."""
        names = ("name", "alarm", "verdict", "type", "holder", "rows", "seconds", "samples")
        return json.dumps({name: getattr(self, name) for name in names}, ensure_ascii=False)


# ---- packages -------------------------------------------------------------------------


def install(requirements: tuple[str, ...]) -> str:
    """Return a folder with packages, installed once per set of them; "" for no packages."""
    if not requirements:
        return ""
    key = repr((sys.version_info[:2], sorted(requirements)))
    target = PACKAGES / hashlib.sha256(key.encode()).hexdigest()[:16]
    if not (target / ".whole").exists():
        command = [sys.executable, "-m", "pip", "install", "-qq", "--target", str(target)]
        subprocess.run([*command, *requirements], check=True)
        (target / ".whole").touch()
    return str(target)


# ---- one scenario ---------------------------------------------------------------------


async def watch(scenario: Scenario, certs: Path) -> Answer:
    """Run a scenario under the service and watch it."""
    answer = Answer(scenario.name)
    process = None
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory, "ops.toml")
        config.write_text(CONFIG.format(certs=certs, audit=Path(directory, "audit.jsonl")))
        try:
            packages = await asyncio.to_thread(install, scenario.requirements)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(HERE / "leakbench_host.py")),
                *(str(scenario.folder), scenario.name, packages),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "OPS_SERVICE_CONFIG": str(config), "GRPC_VERBOSITY": "NONE"},
            )
            assert process.stdout is not None
            # A scenario may print.
            while line := await process.stdout.readline():
                if line.startswith(b'{"address"'):
                    break
            if not line:
                assert process.stderr is not None
                answer.error = (await process.stderr.read()).decode(errors="replace")[-400:]
                return answer
            await judge(answer, scenario, json.loads(line)["address"], certs)
        except Exception as error:
            answer.verdict, answer.error = "error", f"{type(error).__name__}: {error}"
        finally:
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
    return answer


async def judge(answer: Answer, scenario: Scenario, address: str, certs: Path) -> None:
    """Fill the answer from the reports of one watch."""
    credentials = ClientCredentials(
        certs / "ca.pem", certs / "client.pem", certs / "client-key.pem"
    )
    begin = time.monotonic()
    right_since = None
    async with AsyncMaintenanceClient(address, credentials) as client:
        parts = client.watch_heap_growth(interval=INTERVAL, duration=DURATION, timeout=TIMEOUT)
        async for part in parts:
            if not isinstance(part, growth_pb2.HeapGrowthReport):
                continue
            answer.samples = part.sample_count
            answer.verdict = VERDICTS[part.verdict]
            suspects = part.suspects
            answer.alarm = answer.verdict in ("leak", "native")
            answer.type = suspects[0].type_name if suspects else ""
            answer.holder = suspects[0].holder.path if suspects else ""
            if suspects and suspects[0].holder.owner_type:
                answer.holder += f", of {suspects[0].holder.owner_type}"
            growing = {each.type_name: each.counts[-1] - each.counts[0] for each in suspects}
            answer.rows = list(growing.items())
            if answer.verdict == scenario.truth["verdict"]:
                right_since = right_since or time.monotonic() - begin
            else:
                right_since = None
    answer.seconds = round(right_since or time.monotonic() - begin, 1)


# ---- peers ------------------------------------------------------------------------------


async def ask_peers(scenario: Scenario, answer: Answer) -> None:
    """Record the first type that each peer names."""
    for peer in PEERS:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(HERE / "leakbench_peers.py"), str(scenario.folder)),
            *(scenario.name, install(scenario.requirements), peer),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await process.communicate()
        lines = [line for line in output.splitlines() if line.startswith(b'{"rows"')]
        rows = json.loads(lines[-1])["rows"] if lines else []
        first = rows[0][0].removeprefix("builtins.") if rows else "-"
        answer.peers[peer] = first if lines else "failed"


# ---- what is right ---------------------------------------------------------------------


def type_is_right(scenario: Scenario, answer: Answer) -> bool:
    """Whether the first suspect's type is one that the truth names."""
    return names_type(scenario, answer.type)


def names_type(scenario: Scenario, type_name: str) -> bool:
    """Whether a type is one that the truth names."""
    return type_name in (scenario.truth["type"], *scenario.truth.get("also", ()))


def holder_is_right(scenario: Scenario, answer: Answer) -> bool:
    """Whether the path contains a hint, apart from the scenario's own module name."""
    text = answer.holder.replace(scenario.name, "")
    return any(hint in text for hint in scenario.truth.get("holder_hints", ()))


def is_right(scenario: Scenario, answer: Answer) -> bool:
    """Whether the verdict matches the truth."""
    return bool(answer.verdict == scenario.truth["verdict"])


def say_line(scenario: Scenario, answer: Answer) -> None:
    """Print the answer, and whether it is right."""
    truth = scenario.truth["verdict"]
    marks = ["ok" if is_right(scenario, answer) else f"WRONG (is {truth})"]
    if truth == "leak":
        marks += ["type ok" if type_is_right(scenario, answer) else "TYPE WRONG"]
        marks += ["holder ok" if holder_is_right(scenario, answer) else "HOLDER WRONG"]
    peers = "".join(f" | {name}: {first}" for name, first in answer.peers.items())
    print(
        f"{scenario.name:24} {answer.verdict:12} {answer.seconds:5.1f} s  {', '.join(marks):32}"
        f" {answer.type} @ {answer.holder}{peers} {answer.error}".rstrip(),
        flush=True,
    )


def say_sums(pairs: list[tuple[Scenario, Answer]]) -> int:
    """Print how many answers are right. Returns the number of wrong verdicts."""
    leaks = [pair for pair in pairs if pair[0].truth["verdict"] == "leak"]
    steady = [answer for scenario, answer in pairs if scenario.truth["verdict"] == "no_leak"]
    right = sum(is_right(*pair) for pair in pairs)
    seconds = sorted(answer.seconds for _, answer in pairs)
    print(
        f"\nverdict {right}/{len(pairs)}, "
        f"top type {sum(type_is_right(*pair) for pair in leaks)}/{len(leaks)}, "
        f"holder {sum(holder_is_right(*pair) for pair in leaks)}/{len(leaks)}, "
        f"false alarms {sum(answer.alarm for answer in steady)}/{len(steady)}, "
        f"median {seconds[len(seconds) // 2]:.1f} s to the verdict that stayed"
    )
    for peer in PEERS:
        told = [(scenario, answer.peers[peer]) for scenario, answer in pairs if answer.peers]
        if told:
            say_peer(peer, told)
    return len(pairs) - right


def say_peer(peer: str, told: list[tuple[Scenario, str]]) -> None:
    """Print how often a peer's first type is right. Naming a type is a peer's only verdict."""
    leaks = [each for each in told if each[0].truth["verdict"] == "leak"]
    others = [first for scenario, first in told if scenario.truth["verdict"] != "leak"]
    print(
        f"{peer}: top type {sum(names_type(*each) for each in leaks)}/{len(leaks)}, names a type "
        f"where none leaks {sum(first not in ('-', 'failed') for first in others)}/{len(others)}, "
        f"failed {sum(first == 'failed' for _, first in told)}"
    )


async def run(scenarios: list[Scenario], jobs: int, peers: bool, certs: Path) -> list[Answer]:
    """Watch all scenarios, ``jobs`` at a time."""
    room = asyncio.Semaphore(jobs)

    async def one(scenario: Scenario) -> Answer:
        async with room:
            answer = await watch(scenario, certs)
            if peers:
                await ask_peers(scenario, answer)
            say_line(scenario, answer)
            return answer

    return await asyncio.gather(*map(one, scenarios))


def main() -> int:
    """Run the bench with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=Path, default=ROOT / "tests/leakbench")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--jobs", type=int, default=2, help="how many processes at once")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--short", action="store_true", help="a handful of them")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    names = [*options.names, *(SHORT if options.short else ())]
    try:
        scenarios = read_scenarios(options.scenarios, names)
    except NoScenario as error:
        parser.error(str(error))
    if not scenarios:
        parser.error(f"{options.scenarios} has no scenario")
    with tempfile.TemporaryDirectory() as directory:
        certs = Path(directory, "certs")
        opsctl = Path(sys.executable).with_name("opsctl")
        subprocess.run([opsctl, "certs", "init", certs], check=True, stdout=subprocess.DEVNULL)
        answers = asyncio.run(run(scenarios, options.jobs, options.peers, certs))
    if options.out:
        options.out.write_text("".join(answer.line() + "\n" for answer in answers))
    wrong = say_sums(list(zip(scenarios, answers, strict=True)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
