"""The source distribution is complete, and its wheel works with and without a compiler."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build(*arguments: str | Path, **environment: str) -> None:
    # Without isolation: the environment of the tests has a pinned setuptools.
    command = [sys.executable, "-m", "build", "--no-isolation", *arguments]
    outcome = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, cwd=ROOT
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.fixture(scope="module")
def source_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    # setuptools packs in the checkout itself, where another worker of pytest may pack too.
    with (tmp_path_factory.getbasetemp().parent / "sdist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build("--sdist", "--outdir", out)
    (archive,) = out.iterdir()
    return archive


def installed(source_distribution: Path, target: Path, **environment: str) -> Path:
    """Build a wheel of the source distribution and install it. Return the location."""
    # Debian's CPython 3.11.2 is older than the filters of tarfile.
    (target / "source").mkdir()
    subprocess.run(["tar", "-xf", source_distribution, "-C", target / "source"], check=True)
    (source,) = (target / "source").iterdir()
    build("--wheel", "--outdir", target / "wheel", source, **environment)
    (wheel,) = (target / "wheel").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target / "site")
    return target / "site"


def engine_status(site: Path) -> dict[str, object]:
    code = (
        "import json, dataclasses, ops_service.heap.engine as engine;"
        "print(json.dumps({'file': engine.__file__} | dataclasses.asdict(engine.engine_status())))"
    )
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=os.environ | {"PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
    )
    status: dict[str, object] = json.loads(outcome.stdout)
    assert str(status["file"]).startswith(str(site))
    return status


def test_the_source_distribution_has_every_file_of_the_packages(source_distribution: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "ops_service", "clients/python", "protos"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    with tarfile.open(source_distribution) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}

    assert sorted({*listed, "LICENSE", "NOTICE"} - packed) == []
    assert [name for name in packed if name.endswith(".so")] == []


@pytest.mark.long
def test_a_wheel_holds_the_walker_and_none_of_its_sources(
    source_distribution: Path, tmp_path: Path
) -> None:
    site = installed(source_distribution, tmp_path)

    assert engine_status(site)["available"] is True
    assert list(site.rglob("*.c")) + list(site.rglob("*.h")) == []
    assert (site / "ops_service/v1/descriptor_set.binpb").is_file()
    assert (site / "ops_client/py.typed").is_file()
    (metadata,) = site.glob("*.dist-info")
    assert "Apache License" in (metadata / "licenses/LICENSE").read_text()
    assert "\nLicense-Expression: Apache-2.0\n" in (metadata / "METADATA").read_text()


def test_a_wheel_builds_without_a_compiler(source_distribution: Path, tmp_path: Path) -> None:
    site = installed(source_distribution, tmp_path, CC="/bin/false")

    status = engine_status(site)
    assert list(site.rglob("*.so")) == []
    assert status["available"] is False
    assert "has no walker" in str(status["reason"])
