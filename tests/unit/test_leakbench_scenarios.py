"""What `make leakbench` reads of a scenario, and which files it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# As make runs it: a program, beside which its modules stand.
READ = (
    f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r}); "
    "from pathlib import Path; from leakbench_scenarios import read_scenarios; "
    "print([each.truth for each in read_scenarios(Path(sys.argv[1]), [])])"
)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60)


def write(folder: Path, text: str) -> Path:
    path = folder / "nested.py"
    path.write_text(text)
    return path


def test_dicts_may_nest_in_the_truth(tmp_path: Path) -> None:
    write(
        tmp_path,
        "TRUTH = dict(verdict='leak', type='nested.Row', also=[dict(type='dict')],\n"
        "    second=dict(type='nested.Order', hints={'held': ('a', dict(by=-1))}))\n"
        "REQUIREMENTS = []\n",
    )
    read = run("-c", READ, tmp_path)
    assert read.stderr == ""
    assert read.stdout.strip() == str(
        [
            {
                "verdict": "leak",
                "type": "nested.Row",
                "also": [{"type": "dict"}],
                "second": {"type": "nested.Order", "hints": {"held": ("a", {"by": -1})}},
            }
        ]
    )


def test_all_of_the_projects_own_can_be_read() -> None:
    read = run("-c", READ, ROOT / "tests/leakbench")
    assert read.stderr == ""
    assert read.stdout.count("'verdict'") > 50


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("TRUTH = dict(verdict='leak', type=str(3))", "nested.py:1 has `str(3)` in TRUTH"),
        ("\nTRUTH = dict(verdict='leak', **more)", "nested.py:2 has `dict(verdict="),
        ("TRUTH = dict([('verdict', 'leak')])", "nested.py:1 has `dict([("),
        ("TRUTH = {**more}", "nested.py:1 has `{**more}` in TRUTH"),
        ("TRUTH = dict(verdict=VERDICT)", "nested.py:1 has `VERDICT` in TRUTH"),
        ("TRUTH = dict(", "nested.py:1 is no Python"),
        ("TRUTH = dict(type='dict')", "without a verdict, one of leak, no_leak, native"),
        ("TRUTH = ['leak']", "without a verdict"),
        ("x = 1", "has no TRUTH"),
    ],
)
def test_the_bench_refuses_what_is_no_scenario_in_a_sentence(
    tmp_path: Path, text: str, why: str
) -> None:
    write(tmp_path, text)
    refused = run(ROOT / "benchmarks/leakbench.py", "--scenarios", tmp_path)
    assert refused.returncode == 2
    assert why in refused.stderr
    assert "Traceback" not in refused.stderr
