"""Replace the files that a running port reads."""

from __future__ import annotations

import contextlib
import shutil
import ssl
from pathlib import Path

from eventually import eventually
from fix_certs import Identity
from fix_host import Host


def replace(path: Path, data: bytes) -> None:
    """Replace a file in one step, as certificate tools do."""
    new = path.with_name("new")
    new.write_bytes(data)
    new.rename(path)


def install(server: Identity, directory: Path) -> None:
    """Put a certificate and its key in place, each in one step."""
    for source, name in ((server.certificate, "server.pem"), (server.private_key, "server.key")):
        new = directory / "new"
        shutil.copy(source, new)
        new.chmod(0o600)
        new.rename(directory / name)


def presented(host: Host) -> str:
    """The certificate that the host presents to a new connection, in PEM."""
    name, _, port = host.address.rpartition(":")

    def shown() -> str:
        # The port closes and opens again with the new files, which takes some milliseconds.
        with contextlib.suppress(OSError):
            return ssl.get_server_certificate((name, int(port)), timeout=60)
        return ""

    return eventually(shown, "the port shows no certificate")
