"""What the service wants of the files that it trusts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ops_service.errors import ConfigurationError

Stamp = tuple[int, int, int, int]


def read_stamp(path: Path) -> Stamp:
    """What changes when a file is changed, replaced, or its permissions are.

    Raises:
        OSError: It cannot be looked at.
    """
    info = os.stat(path)
    return (info.st_mtime_ns, info.st_ino, info.st_size, info.st_mode)


def refuse_if_others_may_write(path: Path, key: str) -> None:
    """Refuse a file that decides who may do what, if anybody could change it.

    Args:
        key: What names the file in the configuration.

    Raises:
        ConfigurationError: Others may write to it, or replace it.
    """
    prefix = f"{key}: " if key else ""
    try:
        mode = os.stat(path).st_mode
        directory = os.stat(path.absolute().parent).st_mode
        # As Kubernetes mounts its ConfigMaps, whose folders all may write to but for that.
        if os.statvfs(path.absolute().parent).f_flag & os.ST_RDONLY:
            return
    except OSError as error:
        raise ConfigurationError(
            f"{prefix}{path} cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
    if mode & stat.S_IWOTH:
        raise ConfigurationError(
            f"{prefix}{path} may be written by everybody; run chmod o-w on it, and see whether "
            "it was altered"
        )
    if directory & stat.S_IWOTH and not directory & stat.S_ISVTX:
        raise ConfigurationError(
            f"{prefix}{path} lies in a directory in which everybody may replace it; run "
            f"chmod o-w {path.absolute().parent}, and see whether it was altered"
        )
