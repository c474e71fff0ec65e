"""The shell commands of the pages for readers, and those that no test can type."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

CLUSTER = "needs a cluster"
REGISTRY = "needs a release in a registry; make install-test installs the wheel"

NOT_TYPED = {
    "make demo": "is a step of CI by itself",
    "make play": "the fixture `play` starts what it starts",
    "make test": "is the run that would type it",
    "make wheels": "CI builds one of the wheels for make install-test; all take minutes",
    "pip install dist/ops_service-…whl": "make install-test installs a wheel from a folder",
    "pip install ops-service": REGISTRY,
    "pip install 'ops-service[cli]'": REGISTRY,
    "kubectl -n shop create secret generic shop-ops --from-file=certs": CLUSTER,
    "kubectl apply -f passthrough.yaml": CLUSTER,
    "kubectl -n shop port-forward deployment/shop 7443 7444 &": CLUSTER,
    "opsctl ps --server-name shop.example.org --target localhost:7443": CLUSTER,
    "opsctl leaks watch --server-name shop.example.org --target localhost:7444": CLUSTER,
}
"""Whole lines of blocks, each with the reason why no test types it."""

NOT_TYPED_IN_PROSE = {
    "pip install ops-service": "nothing is published yet",
    "git tag -s vX.Y.Z": "makes a release",
    "grpcurl ... describe": "is cut short; test_reflection.py calls it",
    "kubectl cp": "needs a cluster",
    "kubectl port-forward pod/shop-0 7443": CLUSTER,
    "kubectl port-forward pod/shop-0 7443 7444": CLUSTER,
    "memray run --native": "another tool's, and names no program to run",
    "python -m ops_service run app.py": "names the reader's program; leaks.md types it with one",
    "ulimit -u": "names a limit of the shell",
}
"""Commands in prose, each with the reason why no test types it.
test_documented_commands.py parses those of opsctl. Targets of make are looked up."""

_PROGRAMS = (
    "apt-get|brew|curl|docker|envoy|git|gunicorn|helm|kubectl|make|memray|npm|openssl|pip|podman"
    "|psql|py-spy|pytest|python3?|redis-cli|ssh|sudo|systemctl|tar|ulimit|uvicorn|wget|grpcurl"
)
_COMMAND = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:{_PROGRAMS}) \S")
_FENCED = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHELLS = ("sh", "bash", "shell")


def pages() -> list[str]:
    """The pages for readers."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "docs/*.md", "README.md", "examples/mesh/README.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return listed.split("\0")[:-1]


def block_commands(page: Path) -> Iterator[str]:
    """The lines to type on a page: lines after prompts in any block, and each shell block."""
    for language, block in _FENCED.findall(page.read_text()):
        if language in _SHELLS:
            yield block.strip()
        else:
            for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
                yield re.sub(r"\s{2,}# .*$", "", line)


def prose_commands(page: Path) -> Iterator[str]:
    """Commands in prose, except those of opsctl."""
    for span in re.findall(r"`([^`]+)`", _FENCED.sub("", page.read_text())):
        text = " ".join(span.split())
        if _COMMAND.match(text):
            yield text
