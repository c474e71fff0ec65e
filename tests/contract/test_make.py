"""What make would run: its defaults and its groups, and that CI runs every group."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# CI runs these and test-extra does not: the suite, and targets that measure or only soak.
BESIDE = {
    *("versions", "check", "docs", "demo", "test", "soak", "bench-short", "leakbench-short"),
}

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


@functools.cache
def make(*arguments: str) -> str:
    """What make prints. The interpreters are looked up only once."""
    # If a make runs this test, its variables would apply here too.
    ours = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "MINUTES", "SECONDS", "VERSION"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def pythons() -> str:
    return make("--eval=print: ; @echo $(pythons)", "print").strip()


def variable(name: str) -> list[str]:
    return make(f"pythons={pythons()}", f"--eval=print: ; @echo $({name})", "print").split()


def would_run(*arguments: str) -> str:
    return make(f"pythons={pythons()}", "-n", *arguments)


def minutes(*arguments: str) -> list[str]:
    return re.findall(r"--minutes (\S+)", would_run(*arguments))


def test_each_soak_has_a_default_of_its_own() -> None:
    assert minutes("soak") == ["10"]
    assert minutes("soak-servers") == ["30"]
    assert minutes("soak", "soak-servers", "MINUTES=2") == ["2", "2"]


def test_ci_runs_the_suite_and_every_part_of_test_extra() -> None:
    script = (ROOT / ".ci/run").read_text()
    steps = re.findall(r"^(?:step|beside) \S+ make (\S+)", script, re.MULTILINE)
    assert len(steps) == len(set(steps))
    assert set(steps) - BESIDE == set(variable("extra"))
    assert "test" in steps


def test_nightly_runs_the_long_form_of_all_that_has_one() -> None:
    would = would_run("nightly")
    for version in variable("versions"):
        assert re.search(rf"/{version}/bin/pytest .*-m long", would), version
    for release in variable("releases"):
        assert f"grpcio-{release}" in would
    assert "test-grpcio FORK_CHILDREN=1000" in would
    assert "faults FORK_CHILDREN=1000" in would
    assert "FAULT_ROUNDS=500" in would
    assert "OPS_WALKER_CAPTURES=500" in would
    assert "RANDOM_HEAPS=30 .venv/sanitized/bin/pytest" in would
    assert len(re.findall(r"tests/fuzz/\w+\.py --seconds 900", would)) == 3
    assert re.findall(r"--minutes (\S+)", would) == ["30", "30"]
    assert "leakbench.py" in would
    assert "tools/emulate_wheel.sh" in would
    # Without arguments: the whole suite.
    assert re.search(r"^tools/bare_machine\.sh *$", would, re.MULTILINE)
    assert "--short" not in would


def test_help_names_each_target_once_and_below_a_group() -> None:
    first, *groups = make(f"pythons={pythons()}", "help").split("\n\n")
    assert first.strip().startswith("help ")
    *groups, last = groups
    assert last.startswith("Interpreters: ")
    names = [
        re.findall(r"^  ([a-z0-9-]+)  ", group.partition("\n")[2], re.MULTILINE) for group in groups
    ]
    assert all(names)
    flat = [name for group in names for name in group]
    assert len(flat) == len(set(flat))
    # The group below test-extra lists its parts, in the order in which they run.
    assert variable("extra") in names
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    said = {*phony[1].replace("$(extra)", "").split(), *variable("extra")}
    assert said == {"help", *flat}
