"""The service's sockets: checks before a path is bound, and what a fork inherits."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import stat
from pathlib import Path

from ops_service.config import split_address
from ops_service.errors import StartError


def check_socket_path(path: Path, *, private: bool = False) -> None:
    """Refuse a Unix socket's path that another could take over, or that is in use.

    gRPC itself binds without looking: it takes the path from a live server.

    Args:
        private: Whether nobody else may even enter the directory. It is made if it is not
            there.

    Raises:
        StartError: Says what is wrong with the path.
    """
    directory = path.parent
    try:
        if private:
            directory.mkdir(mode=0o700, exist_ok=True)
        info = directory.stat()
    except OSError as error:
        raise StartError(
            f"The directory {directory} of the socket cannot be used ({error.strerror}); "
            "create it with mode 0700."
        ) from error
    if info.st_uid != os.geteuid() or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StartError(
            f"The directory {directory} of the socket belongs to another user, or others may "
            "write to it; choose one of your own with mode 0700."
        )
    if private and stat.S_IMODE(info.st_mode) & 0o077:
        raise StartError(
            f"The directory {directory} of the socket may be entered by others, and with "
            "mesh.enabled whoever reaches the socket may say who they are; run chmod 0700 on it."
        )
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise StartError(f"Another process serves {path}; choose another path, or stop it.")


def check_port(host: str, port: int) -> None:
    """Refuse an address that cannot be bound, and say why.

    gRPC itself gives no reason, and writes to the host's standard error.

    Raises:
        StartError: Names the address and the system's reason.
    """
    try:
        family, kind, protocol, _, name = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As gRPC does, so that connections that linger are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(name)
    except OSError as error:
        raise StartError(
            f"The port {host}:{port} cannot be opened ({error.strerror}); choose an address of "
            "this machine that no other process has, or port 0 for any free one."
        ) from error


class InheritedSockets:
    """Finds the sockets of one served address among this process's descriptors."""

    def __init__(self, address: str) -> None:
        self._names: tuple[object, ...]
        if address.startswith("unix:"):
            self._path: str | None = address.removeprefix("unix:")
            self._port = 0
        else:
            self._path = None
            self._port = split_address(address)[1]

    def connected(self) -> bool:
        """Whether anybody is connected to the address, or waits to be accepted."""
        try:
            numbers = [int(name) for name in os.listdir("/proc/self/fd")]
        except OSError:
            return True
        return any(self._is_mine(number, connected=True) for number in numbers)

    def disconnect(self) -> None:
        """Replace each with /dev/null. For a forked child, whose parent keeps them.

        Otherwise the child would hold the port open after the parent's death:
        connections would be accepted and never answered. The numbers stay
        taken, since gRPC's copy in the child may still close them.
        """
        try:
            numbers = [int(name) for name in os.listdir("/proc/self/fd")]
        except OSError:
            return
        mine = [number for number in numbers if self._is_mine(number)]
        if not mine:
            return
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for number in mine:
            with contextlib.suppress(OSError):
                os.dup2(null, number, inheritable=False)
        os.close(null)

    def _is_mine(self, number: int, *, connected: bool = False) -> bool:
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                return False
            with socket.socket(fileno=os.dup(number)) as copy:
                name = copy.getsockname()
                if connected and copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    waiting, _, _ = select.select([copy], [], [], 0)
                    if not waiting:
                        return False
                if self._path is not None:
                    return copy.family == socket.AF_UNIX and name == self._path
                return copy.family in (socket.AF_INET, socket.AF_INET6) and name[1] == self._port
        except OSError:
            return False
