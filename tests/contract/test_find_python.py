"""Which interpreters make finds, and what it does with those that make versions unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNING = f"{sys.version_info[0]}.{sys.version_info[1]}"
# The venv's own Python has no headers beside it.
PYTHON = Path(sys.base_prefix, "bin", f"python{RUNNING}")


def find(unpacked: Path, path: str, *arguments: str) -> list[str]:
    """The lines of find_python.sh, with only these interpreters on PATH and none in pyenv."""
    environment = {"PATH": path, "DEBIAN_PYTHONS": str(unpacked), "PYENV_ROOT": "/nowhere"}
    done = subprocess.run(
        ["bash", "tools/find_python.sh", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder for PATH, with what the scripts call and no interpreter."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "cat", "dirname", "grep", "ls", "readlink", "realpath", "sed", "sort"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def test_unpacked_interpreters_come_before_installed_ones(commands: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "pythons"
    unpacked.mkdir()
    assert find(unpacked, str(commands)) == []
    (unpacked / f"{RUNNING}-late").symlink_to(PYTHON)
    late = f"{RUNNING}-late={PYTHON.resolve()}"
    assert find(unpacked, str(commands)) == [late]
    (commands / "python3").symlink_to(PYTHON)
    both = find(unpacked, str(commands))
    assert both[0] == late
    assert [line.partition("=")[0] for line in both] == [f"{RUNNING}-late", RUNNING]


def test_an_installed_interpreter_wins_over_an_unpacked_one(commands: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "pythons"
    unpacked.mkdir()
    (unpacked / RUNNING).symlink_to(PYTHON)
    assert find(unpacked, str(commands)) == [f"{RUNNING}={PYTHON.resolve()}"]
    (commands / f"python{RUNNING}").symlink_to(PYTHON)
    (only,) = find(unpacked, str(commands))
    assert only.startswith(f"{RUNNING}={commands}")


def test_a_link_to_another_version_or_to_nothing_is_left_out(
    commands: Path, tmp_path: Path
) -> None:
    unpacked = tmp_path / "pythons"
    unpacked.mkdir()
    (unpacked / "3.99").symlink_to(PYTHON)
    (unpacked / "3.98").symlink_to(tmp_path / "nothing")
    assert find(unpacked, str(commands)) == []


BARE = """
import sys, sysconfig
paths = sysconfig.get_paths
sysconfig.get_paths = lambda *args, **named: {**paths(*args, **named), "include": "/nowhere"}
"""


@pytest.mark.parametrize("lacks", ["headers", "headers and no venv"])
def test_one_line_names_the_packages_that_have_what_is_missing(
    commands: Path, tmp_path: Path, lacks: str
) -> None:
    """As on Debian, whose python3 comes without headers, and venv without ensurepip."""
    place = tmp_path / "sitecustomize.py"
    place.write_text(BARE + ("sys.modules['ensurepip'] = None" if "venv" in lacks else ""))
    python = commands / "python3"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {PYTHON} "$@"\n')
    python.chmod(0o755)

    assert find(tmp_path, str(commands)) == []
    packages = [f"python{RUNNING}-dev", f"python{RUNNING}-venv"][: 1 + lacks.count("venv")]
    assert find(tmp_path, str(commands), "--missing") == [
        f"No CPython 3.11 to 3.15 with headers and venv: {python} has no {lacks}. "
        f"On Debian and Ubuntu: apt install {' '.join(packages)}"
    ]


def test_without_any_interpreter_one_line_names_the_packages(
    commands: Path, tmp_path: Path
) -> None:
    assert find(tmp_path, str(commands), "--missing") == [
        "No CPython 3.11 to 3.15 with headers and venv: there is none on PATH or in pyenv. "
        "On Debian and Ubuntu: apt install python3 python3-dev python3-venv"
    ]


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("compiler", ["cc", "gcc", ""])
def test_make_takes_zig_where_there_is_no_compiler(
    commands: Path, tmp_path: Path, compiler: str
) -> None:
    for name in ("awk", "find", "make"):
        found = shutil.which(name)
        assert found
        (commands / name).symlink_to(found)
    if compiler:
        (commands / compiler).symlink_to("/bin/true")
    would = subprocess.run(
        ["make", "-n", "-B", f"pythons={RUNNING}=/installed", f".venv/{RUNNING}/run.stamp"],
        cwd=ROOT,
        env={"PATH": str(commands), "VERSION": RUNNING},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("ziglang" in would) == (not compiler)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_builds_another_patch_release_apart() -> None:
    def would(stamp: str) -> str:
        return subprocess.run(
            ["make", "-n", "-B", "pythons=3.13-late=/late 3.13=/installed", stamp],
            cwd=ROOT,
            env={**os.environ, "MAKEFLAGS": "", "VERSION": "3.13"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    late = would(".venv/3.13-late/test.stamp")
    assert "/late -m venv .venv/3.13-late" in late
    assert " -e " not in late
    assert "--sdist" in late
    installed = would(".venv/3.13/test.stamp")
    assert "/installed -m venv .venv/3.13\n" in installed
    assert " -e '.[cli]'" in installed


def test_without_apt_one_line_says_what_to_do(commands: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "tools/debian_pythons.sh"],
        cwd=ROOT,
        env={"PATH": str(commands), "DEBIAN_PYTHONS": str(tmp_path / "pythons")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "make versions: this machine has no apt-get, so it is not Debian. "
        "Install CPython 3.14 and 3.15 in another way, for example with pyenv."
    ]
    assert not (tmp_path / "pythons").exists()
