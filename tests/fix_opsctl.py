"""The real opsctl, as a child process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fix_certs import Identity

OPSCTL = Path(sys.executable).with_name("opsctl")


def environment_of(target: str, identity: Identity) -> dict[str, str]:
    """The variables that an operator exports once."""
    return {
        "OPSCTL_TARGET": target,
        "OPSCTL_CA": str(identity.ca),
        "OPSCTL_CERT": str(identity.certificate),
        "OPSCTL_KEY": str(identity.private_key),
    }


def clean_environment(**more: str) -> dict[str, str]:
    """Our environment, without a developer's own opsctl settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPSCTL_")}
    return {**kept, **more}


Opsctl = Callable[..., "subprocess.CompletedProcess[str]"]


def limited(file_size: int | None) -> list[str]:
    """A command prefix that limits the size of files that the command writes.

    A preexec function would fork this process instead. A forked child does not
    always survive its parent's gRPC threads.
    """
    return ["prlimit", f"--fsize={file_size}"] if file_size is not None else []


@pytest.fixture(scope="session")
def opsctl() -> Opsctl:
    """Run opsctl to its end: ``opsctl("whoami", env=environment_of(...))``."""

    def run(
        *arguments: object,
        env: dict[str, str] | None = None,
        file_size: int | None = None,
        **options: Any,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*limited(file_size), OPSCTL, *map(str, arguments)],
            env=clean_environment(**(env or {})),
            **{"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, **options},
        )

    return run


StartOpsctl = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_opsctl() -> Iterator[StartOpsctl]:
    """Start opsctl with pipes. It ends with the test at the latest."""
    with contextlib.ExitStack() as running:

        def start(*arguments: object, env: dict[str, str], **options: Any) -> subprocess.Popen[str]:
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            process = running.enter_context(
                subprocess.Popen(
                    [OPSCTL, *map(str, arguments)],
                    env=clean_environment(**env),
                    **{"stdin": subprocess.DEVNULL, "text": True, **pipes, **options},
                )
            )
            running.callback(process.kill)
            return process

        yield start
