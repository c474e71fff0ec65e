"""Which users may write to the files that the service trusts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops_service.config.trusted_files import read_stamp, refuse_if_others_may_write
from ops_service.errors import ConfigurationError

STRANGER = 65533


def refusal(path: Path) -> str:
    try:
        refuse_if_others_may_write(path, "tls.client_ca")
    except ConfigurationError as error:
        return str(error)
    return ""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    path = folder / "ca.pem"
    path.touch(0o600)
    return path


@pytest.fixture
def stranger() -> int:
    """A user and group that this process can give files to, and that is not its own."""
    if os.geteuid() != 0:
        pytest.skip("files can be given to others by root alone")
    return STRANGER


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o660, 0o664, 0o400])
def test_files_of_its_own(file: Path, mode: int) -> None:
    # The file's group may write: many users have their own group, and a umask to match.
    file.chmod(mode)
    os.chown(file, -1, os.getegid())
    assert refusal(file) == ""


@pytest.mark.parametrize("mode", [0o602, 0o666])
def test_a_file_that_everybody_may_write(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert refusal(file).startswith(
        f"tls.client_ca: {file} may be written by everyone; run chmod o-w {file}"
    )


@pytest.mark.parametrize(("mode", "refused"), [(0o640, False), (0o644, False), (0o660, True)])
def test_a_file_of_a_group_of_others(file: Path, stranger: int, mode: int, refused: bool) -> None:
    # As Kubernetes does with fsGroup: root owns the file, and the group may read it.
    file.chmod(mode)
    os.chown(file, 0, stranger)
    expected = f"may be written by the group {stranger}; run chmod g-w {file}"
    assert (expected in refusal(file)) is refused
    assert (refusal(file) != "") is refused


def test_a_file_of_another_user(file: Path, stranger: int) -> None:
    # The service's user owns the link to it, but not its target.
    link = file.with_name("link")
    link.symlink_to(file.name)
    os.chown(file, stranger, -1)
    for path in (file, link):
        assert f"{path} may be written by the user {stranger} that owns it; " in refusal(path)
        assert "run chown 0" in refusal(path)


def test_a_link_of_another_user(file: Path, stranger: int, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    link = shared / "link"
    link.symlink_to(file)
    assert refusal(link) == ""
    os.chown(link, stranger, -1, follow_symlinks=False)
    assert f"by the user {stranger} that owns the link; " in refusal(link)


@pytest.mark.parametrize(
    ("mode", "owner", "words"),
    [
        (0o777, 0, "everyone may replace it"),
        (0o1777, 0, ""),
        (0o770, 0, f"the group {STRANGER} may replace it"),
        (0o1770, 0, ""),
        (0o750, 0, ""),
        (0o700, STRANGER, f"the user {STRANGER} that owns it may replace it"),
        (0o1700, STRANGER, f"the user {STRANGER} that owns it may replace it"),
        (0o1777, STRANGER, "everyone may replace it"),
    ],
)
def test_folders(file: Path, stranger: int, mode: int, owner: int, words: str) -> None:
    os.chown(file.parent, owner, stranger)
    file.parent.chmod(mode)
    assert words in refusal(file)
    assert bool(refusal(file)) is bool(words)


def test_the_folder_that_a_link_leads_to(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    assert refusal(link) == ""
    file.parent.chmod(0o777)
    assert f"run chmod o-w {file.parent}" in refusal(link)


def test_a_change_of_permissions_is_a_change(file: Path, stranger: int) -> None:
    stamps = [read_stamp(file)]
    file.chmod(0o640)
    stamps.append(read_stamp(file))
    os.chown(file, -1, stranger)
    stamps.append(read_stamp(file))
    os.chown(file, stranger, -1)
    stamps.append(read_stamp(file))
    assert len(set(stamps)) == 4
