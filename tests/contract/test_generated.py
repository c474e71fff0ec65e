"""The committed stubs match the contract, and buf guards the contract."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUBS_PYTHON = ROOT / ".cache/stubs/bin/python"
BUF = Path(sys.executable).parent / "buf"

needs_buf = pytest.mark.skipif(not BUF.exists(), reason="buf is not installed for this interpreter")


@pytest.mark.skipif(
    not STUBS_PYTHON.exists(),
    reason="the stub compiler, which needs CPython 3.11 or 3.12, is not installed: make proto",
)
def test_committed_stubs_are_current(tmp_path: Path) -> None:
    subprocess.run([STUBS_PYTHON, ROOT / "tools/generate_stubs.py", tmp_path], check=True)

    generated = {path.name: path.read_bytes() for path in (tmp_path / "ops_service/v1").iterdir()}
    committed = {
        path.name: path.read_bytes()
        for path in (ROOT / "ops_service/v1").iterdir()
        if "_pb2" in path.name or path.suffix == ".binpb"
    }
    stale = sorted(
        name for name in generated | committed if generated.get(name) != committed.get(name)
    )
    assert stale == [], "run make proto"


def buf(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BUF, *arguments], cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A copy of the contract that a test may damage."""
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    shutil.copytree(ROOT / "protos", tmp_path / "protos")
    return tmp_path


@needs_buf
@pytest.mark.parametrize("arguments", [["lint"], ["format", "--diff", "--exit-code"]], ids=" ".join)
def test_buf_accepts_the_contract(arguments: list[str]) -> None:
    outcome = buf(*arguments)

    assert (outcome.returncode, outcome.stdout) == (0, "")


@needs_buf
def test_buf_lint_wants_a_comment_on_every_method(contract: Path) -> None:
    service = contract / "protos/ops_service/v1/maintenance_service.proto"
    lines = service.read_text().splitlines(keepends=True)
    service.write_text("".join(line for line in lines if not line.startswith("  //")))

    outcome = buf("lint", cwd=contract)

    assert outcome.returncode == 100
    assert 'RPC "GetPrincipal" should have a non-empty comment' in outcome.stdout


@needs_buf
def test_buf_breaking_finds_a_removed_field(contract: Path) -> None:
    process = contract / "protos/ops_service/v1/process.proto"
    process.write_text(process.read_text().replace("  string host_name = 4;\n", ""))

    outcome = buf("breaking", "--against", ROOT, cwd=contract)

    assert outcome.returncode == 100
    assert 'Previously present field "4" with name "host_name"' in outcome.stdout


@needs_buf
def test_breaking_changes_are_looked_for_since_the_last_release() -> None:
    outcome = subprocess.run(
        [ROOT / "tools/buf_breaking.sh", BUF, "HEAD"], capture_output=True, text=True
    )
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "protos"], cwd=ROOT)

    assert changed.returncode == 1 or outcome.stdout == "buf breaking: nothing broken since HEAD\n"
