"""Checks on the files that the service trusts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ops_service.errors import ConfigurationError

Stamp = tuple[int, ...]

_ROOT = 0


def read_stamp(path: Path) -> Stamp:
    """Values that change if a file is changed or replaced, or its owner or permissions change.

    Raises:
        OSError: The file's status cannot be read.
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
    """Refuse a security-relevant file if another user could change it.

    Root and the user of this process may write to it. So may root's group and the
    process's own group. A file on a read-only mount passes whatever its permissions,
    since nobody can change it.

    Args:
        key: The file's key in the configuration.

    Raises:
        ConfigurationError: Others may write to the file, or replace it.
    """
    prefix = f"{key}: " if key else ""
    try:
        found = _who_may_turn(path)
        # Kubernetes mounts ConfigMaps and Secrets this way, with directories writable by all.
        if found is None and os.statvfs(path).f_flag & os.ST_RDONLY:
            return
        if found := found or _who_may_write(os.stat(path)):
            who, remedy = found
            raise ConfigurationError(
                f"{prefix}{path} may be written by {who}; run {remedy} {path}, and check whether "
                "it was altered"
            )
        # For a link, check both its directory and its target's directory.
        for directory in {path.absolute().parent, path.resolve().parent}:
            info = os.stat(directory)
            found = _who_may_write(info)
            if found is None or (info.st_mode & stat.S_ISVTX and not _is_strangers(info)):
                continue
            who, remedy = found
            raise ConfigurationError(
                f"{prefix}{path} is in a directory in which {who} may replace it; run "
                f"{remedy} {directory}, and check whether it was altered"
            )
    except OSError as error:
        raise ConfigurationError(
            f"{prefix}{path} cannot be read ({error.strerror}); check the path and its permissions"
        ) from error


def _who_may_write(info: os.stat_result) -> tuple[str, str] | None:
    """Who else may write to a file, and the command that prevents it. None if nobody may."""
    if info.st_mode & stat.S_IWOTH:
        return "everyone", "chmod o-w"
    if info.st_mode & stat.S_IWGRP and info.st_gid not in (_ROOT, os.getegid()):
        return f"the group {info.st_gid}", "chmod g-w"
    if _is_strangers(info):
        # A read-only mount in this process also helps, as for a sidecar's files.
        return f"the user {info.st_uid} that owns it", f"chown {os.geteuid()}"
    return None


def _who_may_turn(link: Path) -> tuple[str, str] | None:
    """Who else may redirect a link: its owner, if the directory keeps other users out."""
    if link.is_symlink() and _is_strangers(info := os.lstat(link)):
        return f"the user {info.st_uid} that owns the link", f"chown -h {os.geteuid()}"
    return None


def _is_strangers(info: os.stat_result) -> bool:
    return info.st_uid not in (_ROOT, os.geteuid())
