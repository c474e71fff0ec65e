"""Commands that write files, on a full disk: one sentence, and no file left."""

from __future__ import annotations

from pathlib import Path

import pytest
from fix_certs import Identity
from fix_full_disk import OnFullDisk
from fix_host import Host, StartHost
from fix_opsctl import environment_of

from ops_client import ClientCredentials, MaintenanceClient
from ops_client.cli.exit_codes import ExitCode


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    return start_shared_host()


@pytest.fixture(scope="module")
def captured(host: Host, admin: Identity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("captured") / "host.heap"
    credentials = ClientCredentials(admin.ca, admin.certificate, admin.private_key)
    with MaintenanceClient(host.address, credentials) as client:
        client.capture_heap_snapshot(path)
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["capture", "-o", "old"],
        ["capture", "-o", "new"],
        ["convert", "FILE", "old"],
        ["convert", "FILE", "new"],
        ["report", "FILE", "-o", "old"],
        ["report", "FILE", "-o", "new"],
        # Its capture is a temporary file.
        ["summary", "--hash-strings"],
    ],
    ids=" ".join,
)
def test_a_full_disk_is_said_and_nothing_is_left(
    on_full_disk: OnFullDisk, host: Host, admin: Identity, captured: Path, arguments: list[str]
) -> None:
    env = environment_of(host.address, admin) | {"TMPDIR": "."}
    words = [captured if each == "FILE" else each for each in arguments]

    outcome = on_full_disk("48k", "heap", *words, env=env)

    assert (outcome.code, outcome.stdout) == (ExitCode.FILE_NOT_WRITTEN, "")
    assert outcome.stderr.endswith(
        "was not written: no space is left; free some, or write elsewhere.\n"
    )
    assert outcome.stderr.startswith("opsctl: ")
    assert outcome.stderr.count("\n") == 1
    assert (outcome.left, outcome.old) == (["./old"], "what stood there before")
    host.assert_alive()
