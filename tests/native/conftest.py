"""Fixtures of the walker's tests."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .host import HERE, Host


@pytest.fixture(scope="session")
def any_host() -> Iterator[Host]:
    """A host process for tests that do not need the engine in it."""
    with Host() as host:
        yield host


@pytest.fixture(scope="session")
def host(any_host: Host) -> Host:
    """A host process that runs the engine, for tests that do not change it."""
    need_engine(any_host)
    return any_host


@pytest.fixture
def new_host() -> Iterator[Callable[..., Host]]:
    """Starts hosts in which the engine runs, with arguments of ``Host``."""
    hosts: list[Host] = []

    def start(**options: object) -> Host:
        hosts.append(Host(**options))  # type: ignore[arg-type]
        need_engine(hosts[-1])
        return hosts[-1]

    yield start
    for host in hosts:
        host.close()


def need_engine(host: Host) -> None:
    available, reason, _ = host.call("capture", "status")
    if not available:
        pytest.skip(f"the native engine cannot run here: {reason}")


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Directory of the module ``faulty``, built for this interpreter."""
    directory = tmp_path_factory.mktemp("faulty")
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"no compiler to build the faulty type with: {compiler[0]}")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("no Python.h to build the faulty type with")
    output = directory / f"faulty{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_path("include")
    flags = ["-shared", "-fPIC", "-O0", "-w", f"-I{include}"]
    command = [*compiler, *flags, str(HERE / "programs/faulty.c"), "-o", str(output)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return str(directory)
