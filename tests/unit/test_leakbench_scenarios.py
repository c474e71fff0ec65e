"""What `make leakbench` reads from a scenario, and which files it refuses."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bench() -> Any:
    # It is next to a program, not in a package.
    spec = spec_from_file_location(
        "leakbench_scenarios", ROOT / "benchmarks/leakbench_scenarios.py"
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["leakbench_scenarios"] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(folder: Path, text: str) -> Path:
    path = folder / "nested.py"
    path.write_text(text)
    return path


def test_dicts_may_nest_in_the_truth(bench: Any, tmp_path: Path) -> None:
    write(
        tmp_path,
        "TRUTH = dict(verdict='leak', type='nested.Row', also=[dict(type='dict')],\n"
        "    second=dict(type='nested.Order', hints={'held': ('a', dict(by=-1))}))\n"
        "REQUIREMENTS = []\n",
    )
    (read,) = bench.read_scenarios(tmp_path, [])
    assert read.truth == {
        "verdict": "leak",
        "type": "nested.Row",
        "also": [{"type": "dict"}],
        "second": {"type": "nested.Order", "hints": {"held": ("a", {"by": -1})}},
    }


def test_all_of_the_projects_own_can_be_read(bench: Any) -> None:
    assert len(bench.read_scenarios(ROOT / "tests/leakbench", [])) > 50


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("TRUTH = dict(verdict='leak', type=str(3))", "nested.py:1 has `str(3)` in TRUTH"),
        ("\nTRUTH = dict(verdict='leak', **more)", "nested.py:2 has `dict(verdict="),
        ("TRUTH = dict([('verdict', 'leak')])", "nested.py:1 has `dict([("),
        ("TRUTH = {**more}", "nested.py:1 has `{**more}` in TRUTH"),
        ("TRUTH = dict(verdict=VERDICT)", "nested.py:1 has `VERDICT` in TRUTH"),
        ("TRUTH = dict(", "nested.py:1 is not Python"),
        ("TRUTH = dict(type='dict')", "without a verdict, one of leak, no_leak, native"),
        ("TRUTH = ['leak']", "without a verdict"),
        ("x = 1", "has no TRUTH"),
    ],
)
def test_what_is_no_scenario_is_refused(bench: Any, tmp_path: Path, text: str, why: str) -> None:
    write(tmp_path, text)
    with pytest.raises(bench.NoScenario) as refused:
        bench.read_scenarios(tmp_path, [])
    assert why in str(refused.value)


def test_the_bench_says_so_in_a_sentence(tmp_path: Path) -> None:
    write(tmp_path, "TRUTH = dict(verdict=VERDICT)")
    program = ROOT / "benchmarks/leakbench.py"
    refused = subprocess.run(
        [sys.executable, program, "--scenarios", tmp_path], capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "nested.py:1 has `VERDICT` in TRUTH" in refused.stderr
    assert "Traceback" not in refused.stderr
