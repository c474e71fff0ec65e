"""The lines to paste in the documentation of the live process work as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_host import ADMIN, ALL, Host, StartHost
from fix_opsctl import clean_environment, environment_of
from page_commands import block_commands

DOCS = Path(__file__).resolve().parents[2] / "docs"
BIN = Path(sys.executable).parent
NAMES = ("explanation/evaluation.md", "explanation/live-inspection.md", "how-to/workers.md")
TYPES = tuple(f"docs/{name}" for name in NAMES)
"""The pages whose lines are typed here."""

# The application that the documents describe.
SHOP = """
import logging, ops_service
logging.getLogger("shop.cart")
class Page:
    def __init__(self, number): self.path = f"/shop/{number}"
    def drop(self): pass
class Session: pass
Session.__module__ = "shop.cart"
sessions = [Session()]
def pages(prefix): return [Page(number) for number in range(30)]
"""


def blocks(language: str) -> list[str]:
    return [
        block
        for name in NAMES
        for block in re.findall(
            rf"^```{language}\n(.*?)^```$", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL
        )
    ]


CALLS = {block.split("/")[-1].strip(): block for block in blocks("sh")}
LINES = [
    line.partition("#")[0].strip()
    for block in blocks("console")
    for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE)
]


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    (grant,) = (block for block in blocks("toml") if "operations = " in block)
    patterns = re.findall(r'operations = \["(.*)"\]', grant)
    host = start_shared_host(
        grants=[{"principal": ADMIN, "capabilities": ALL, "operations": patterns}]
    )
    host.run(SHOP)
    (operation,) = blocks("python")
    host.run(operation)
    return host


def run(text: str, directory: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=directory,
        env=clean_environment(**environment, PATH=f"{BIN}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_line_is_left_out() -> None:
    shown = [line for name in NAMES for line in block_commands(DOCS / name)]
    typed = [*blocks("sh"), *LINES]
    assert len(shown) == len(typed)
    assert len(CALLS) == len(blocks("sh"))


def test_there_is_a_call_of_each_method() -> None:
    assert set(CALLS) == {
        "CaptureStacks",
        "EvaluateCode",
        "FindReferrers",
        "GetProcess",
        "InvokeOperation",
        "ListLoggers",
        "ListOperations",
        "ListWorkers",
        "OpenRepl",
        "SetLogLevel",
        "TraceAllocations",
    }


@pytest.mark.parametrize("method", CALLS)
def test_calls_of_grpcurl(host: Host, admin: Identity, method: str, tmp_path: Path) -> None:
    text = CALLS[method].replace("127.0.0.1:7443", host.address).replace('"10s"', '"0.5s"')
    for name, path in (
        ("-cacert ca.pem", f"-cacert {admin.ca}"),
        ("-cert client.pem", f"-cert {admin.certificate}"),
        ("-key client-key.pem", f"-key {admin.private_key}"),
    ):
        assert name in text
        text = text.replace(name, path)

    assert host.instance_id in run(text, tmp_path, {})


@pytest.mark.parametrize("line", LINES)
def test_lines_of_opsctl(host: Host, admin: Identity, line: str, tmp_path: Path) -> None:
    line = line.replace("--duration 10", "--duration 0.5")
    if ".svg" in line and shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    output = run(line, tmp_path, environment_of(host.address, admin))
    assert output or ">" in line
