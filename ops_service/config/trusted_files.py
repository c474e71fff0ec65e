"""What the service wants of the files that it trusts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ops_service.errors import ConfigurationError

Stamp = tuple[int, ...]

_ROOT = 0


def read_stamp(path: Path) -> Stamp:
    """What changes when a file is changed, replaced, or its owner or permissions are.

    Raises:
        OSError: It cannot be looked at.
    """
    info = os.stat(path)
    return (
        info.st_mtime_ns,
        info.st_ino,
        info.st_size,
        info.st_mode,
        info.st_uid,
        info.st_gid,
    )


def refuse_if_others_may_write(path: Path, key: str) -> None:
    """Refuse a file that decides who may do what, if another user could change it.

    Root and the user of this process may, and so may their groups: root's, and the one
    that the process runs with. What lies on a file system that is mounted read-only
    nobody changes, whatever its permissions say.

    Args:
        key: What names the file in the configuration.

    Raises:
        ConfigurationError: Others may write to it, or replace it.
    """
    prefix = f"{key}: " if key else ""
    try:
        found = _who_may_turn(path)
        # As Kubernetes mounts its ConfigMaps and Secrets, whose folders all may write to.
        if found is None and os.statvfs(path).f_flag & os.ST_RDONLY:
            return
        if found := found or _who_may_write(os.stat(path)):
            who, remedy = found
            raise ConfigurationError(
                f"{prefix}{path} may be written by {who}; run {remedy} {path}, and see whether it "
                "was altered"
            )
        # Of a link the folder that it lies in, and of what it leads to.
        for directory in {path.absolute().parent, path.resolve().parent}:
            info = os.stat(directory)
            found = _who_may_write(info)
            if found is None or (info.st_mode & stat.S_ISVTX and not _is_strangers(info)):
                continue
            who, remedy = found
            raise ConfigurationError(
                f"{prefix}{path} lies in a directory in which {who} may replace it; run "
                f"{remedy} {directory}, and see whether it was altered"
            )
    except OSError as error:
        raise ConfigurationError(
            f"{prefix}{path} cannot be read ({error.strerror}); check the path and its permissions"
        ) from error


def _who_may_write(info: os.stat_result) -> tuple[str, str] | None:
    """Who else may write to something, and how that ends. None if nobody may."""
    if info.st_mode & stat.S_IWOTH:
        return "everybody", "chmod o-w"
    if info.st_mode & stat.S_IWGRP and info.st_gid not in (_ROOT, os.getegid()):
        return f"the group {info.st_gid}", "chmod g-w"
    if _is_strangers(info):
        # Or it is mounted read-only where this process runs, as for a sidecar's files.
        return f"the user {info.st_uid} that owns it", f"chown {os.geteuid()}"
    return None


def _who_may_turn(link: Path) -> tuple[str, str] | None:
    """Who else may let a link lead elsewhere: its owner, where a folder keeps others from it."""
    if link.is_symlink() and _is_strangers(info := os.lstat(link)):
        return f"the user {info.st_uid} that owns the link", f"chown -h {os.geteuid()}"
    return None


def _is_strangers(info: os.stat_result) -> bool:
    return info.st_uid not in (_ROOT, os.geteuid())
