"""Checks of the port's address and slots: the table ``server``."""

from __future__ import annotations

import ipaddress
import socket

from ops_service.config.model import SLOT, ServerConfig
from ops_service.errors import ConfigurationError


def split_address(address: str) -> tuple[str, int]:
    """Split ``host:port``. An IPv6 host is in brackets, which are dropped.

    Raises:
        ConfigurationError: It is not such an address.
    """
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError(
            f"server.address is {address!r}; write host:port, such as "
            '"127.0.0.1:7443", or "unix:/run/app/ops.sock"'
        )
    if ":" in host and not bracketed:
        raise ConfigurationError(
            f'server.address is {address!r}; put an IPv6 address in brackets: "[::1]:7443"'
        )
    return (host[1:-1] if bracketed else host), int(port)


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        pass
    try:
        # Short forms, such as "0" or "0.0".
        return socket.inet_aton(host) == bytes(4)
    except OSError:
        return host in ("", "*")


def check_slots(server: ServerConfig) -> None:
    """Refuse slots that would share an address.

    Raises:
        ConfigurationError: Names the key and the fix.
    """
    if server.slots > 1 and server.run_directory is None:
        raise ConfigurationError(
            f"server.slots is {server.slots} without a run directory; set server.run_directory, "
            "in which workers claim their slots"
        )
    if server.address.startswith("unix:"):
        if server.slots > 1 and SLOT not in server.address:
            raise ConfigurationError(
                f"server.slots is {server.slots} and all sockets would have the same path; write "
                f'{SLOT} into server.address, such as "unix:/run/app/ops-{SLOT}.sock"'
            )
        return
    _, port = split_address(server.address)
    if port + server.slots - 1 > 65535:
        raise ConfigurationError(
            f"server.slots is {server.slots}, and the last port would be "
            f"{port + server.slots - 1}; choose lower numbers"
        )


def check_address(server: ServerConfig) -> None:
    """Refuse an address that is not one, or is open to every interface.

    Raises:
        ConfigurationError: Names the key and the fix.
    """
    if server.address.startswith("unix:"):
        if not server.address.removeprefix("unix:").startswith("/"):
            raise ConfigurationError(
                f"server.address is {server.address!r}; give the socket's absolute "
                'path, such as "unix:/run/app/ops.sock"'
            )
        return
    host, _ = split_address(server.address)
    if _is_wildcard(host) and not server.allow_wildcard_bind:
        raise ConfigurationError(
            f"server.address is {server.address!r}, which opens the port on every "
            "interface; name one interface, or set server.allow_wildcard_bind = true"
        )
