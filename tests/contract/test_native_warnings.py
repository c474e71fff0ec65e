"""Native code compiles without a warning against the running interpreter's headers."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("ops_service/heap/_walker", "clients/python/ops_client/heap_graph/_native")


def flags() -> list[str]:
    """The compiler flags in setup.py."""
    for node in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FLAGS":
            return [str(each) for each in ast.literal_eval(node.value)]
    raise AssertionError("setup.py has no FLAGS")


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_has_a_warning(folder: str) -> None:
    include = sysconfig.get_path("include")
    command = ["gcc", *flags(), "-Werror", "-DNDEBUG=1", f"-I{include}", "-fsyntax-only"]

    def complaints(file: Path) -> str:
        done = subprocess.run([*command, file], stderr=subprocess.PIPE, text=True)
        return done.stderr if done.returncode else ""

    files = sorted((ROOT / folder).glob("*.c"))
    assert files
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert "".join(pool.map(complaints, files)) == ""
