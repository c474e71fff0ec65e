"""The service's sockets: checks before a path is bound, and handling after a fork."""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import os
import socket
import stat
import sys
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from ops_service.config.check_address import split_address
from ops_service.errors import StartError

_Socket = tuple[int, int]
"""A descriptor's number and its socket's inode."""

_Name = tuple[str | IPv4Address | IPv6Address, int]
"""A path and 0, or a host and a port."""

_DESCRIPTORS = Path("/proc/self/fd")


def check_socket_path(path: Path, *, private: bool = False) -> None:
    """Refuse a Unix socket path that another user could take over, or that is in use.

    gRPC itself does not check before it binds: it takes the path from a live server.

    Args:
        private: Require that no other user can enter the directory, and create it if
            it does not exist.

    Raises:
        StartError: The path is unsafe or in use. The message gives the reason.
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
            "write to it; choose a directory that you own, with mode 0700."
        )
    if private and stat.S_IMODE(info.st_mode) & 0o077:
        raise StartError(
            f"The directory {directory} of the socket may be entered by others. With mesh.enabled, "
            "any process that reaches the socket can claim any identity; run chmod 0700 on it."
        )
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise StartError(f"Another process serves {path}; choose another path, or stop it.")


def check_port(host: str, port: int) -> None:
    """Refuse an address that cannot be bound, and give the reason.

    gRPC itself gives no reason, and writes to the host's standard error.

    Raises:
        StartError: Names the address and the system's reason.
    """
    try:
        family, kind, protocol, _, name = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As gRPC does, so that lingering connections do not block the address.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(name)
    except OSError as error:
        raise StartError(
            f"The port {host}:{port} cannot be opened ({error.strerror}); choose an address of "
            "this machine that no other process uses, or port 0 for any free one."
        ) from error


class OwnSockets:
    """The sockets of an open port: the listening one, and those of its connections.

    gRPC creates them itself and does not expose them. But it waits for all of them with one
    epoll instance. That instance lists their numbers and inodes at a cost that does not grow
    with the application's open descriptors. Finding a descriptor's owner does not modify it.
    """

    def __init__(self, epoll: int, listening: _Socket, names: set[_Name], *, alone: bool) -> None:
        """
        Args:
            names: Local names of the port's sockets.
            alone: Whether gRPC serves only the port. Then all of its sockets are the port's.
        """
        self._epoll = epoll
        self._listening = listening
        self._names = names
        self._alone = alone
        self._noted: frozenset[_Socket] = frozenset()

    def note(self) -> None:
        """Remember the current sockets. Called before a fork: a socket that the parent closes
        right after it would still be open in the child.

        A connection that gRPC accepts at the very moment of the fork may be missed. The
        child then keeps it open until it ends.
        """
        self._noted = self._listed()

    def disconnect(self) -> None:
        """Replace each with /dev/null. For a forked child; the parent keeps its sockets.

        Otherwise the child would hold the port open after the parent's death:
        connections would be accepted and never answered. The numbers stay
        in use, since gRPC's copy in the child may still close them.
        """
        mine = [each for each in self._noted | self._listed() if _is_still(each)]
        if not mine:
            return
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for number, _ in mine:
            with contextlib.suppress(OSError):
                os.dup2(null, number, inheritable=False)
        os.close(null)

    def _listed(self) -> frozenset[_Socket]:
        listed = _sockets_of(self._epoll)
        # The application may have closed all descriptors, and the number may now belong to
        # an epoll instance of the application.
        if self._listening not in listed:
            return frozenset()
        if self._alone:
            return listed
        return frozenset(each for each in listed if _is_named(each[0], self._names))


def find_sockets(address: str, *, alone: bool) -> OwnSockets | None:
    """Find the sockets of a port that was just opened. None if the system does not list them.

    Checks each descriptor of the process once, without modifying it.

    Args:
        alone: As in `OwnSockets`.
    """
    wanted = _names_of(address)
    try:
        numbers = [int(each) for each in os.listdir(_DESCRIPTORS)]
    except OSError:
        return None
    for epoll in numbers:
        try:
            if os.readlink(_DESCRIPTORS / str(epoll)) != "anon_inode:[eventpoll]":
                continue
        except OSError:
            continue
        for each in _sockets_of(epoll):
            if _is_still(each) and _name_of(each[0]) in wanted:
                return OwnSockets(epoll, each, wanted, alone=alone)
    return None


def _sockets_of(epoll: int) -> frozenset[_Socket]:
    """The sockets that an epoll instance waits for, as proc(5) lists them."""
    try:
        text = Path(f"/proc/self/fdinfo/{epoll}").read_text()
    except OSError:
        return frozenset()
    found = set()
    for line in text.splitlines():
        fields = line.replace(":", " ").split()
        if fields[:1] == ["tfd"] and "ino" in fields:
            found.add((int(fields[1]), int(fields[fields.index("ino") + 1], 16)))
    return frozenset(found)


def _is_still(each: _Socket) -> bool:
    """Whether the descriptor still refers to the same socket."""
    number, inode = each
    try:
        info = os.fstat(number)
    except OSError:
        return False
    return stat.S_ISSOCK(info.st_mode) and info.st_ino == inode


def _names_of(address: str) -> set[_Name]:
    if address.startswith("unix:"):
        return {(address.removeprefix("unix:"), 0)}
    host, port = split_address(address)
    found: set[_Name] = set()
    for *_, name in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ip = ipaddress.ip_address(name[0])
        found.add((ip, port))
        if ip.is_unspecified:
            # gRPC serves all interfaces of both families with one socket.
            found |= {(IPv4Address(0), port), (IPv6Address(0), port)}
    return found


def _is_named(number: int, names: set[_Name]) -> bool:
    """Whether a socket has one of these local names, or is a connection to one."""
    name = _name_of(number)
    everywhere = name is not None and (IPv4Address(0), name[1]) in names
    return name in names or everywhere


def _name_of(number: int) -> _Name | None:
    """The local name of a socket, read without side effects.

    The module `socket` cannot do this: it may make the descriptor non-blocking for
    everything that shares it.
    """
    name = ctypes.create_string_buffer(128)
    size = ctypes.c_uint32(len(name))
    if ctypes.CDLL(None).getsockname(number, name, ctypes.byref(size)) != 0:
        return None
    raw = name.raw[: size.value]
    family = int.from_bytes(raw[:2], sys.byteorder)
    if family == socket.AF_UNIX:
        return os.fsdecode(raw[2:].partition(b"\0")[0]), 0
    port = int.from_bytes(raw[2:4], "big")
    if family == socket.AF_INET:
        return IPv4Address(raw[4:8]), port
    if family == socket.AF_INET6:
        ip = IPv6Address(raw[8:24])
        return ip.ipv4_mapped or ip, port
    return None
