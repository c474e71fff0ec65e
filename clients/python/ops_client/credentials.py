"""The trusted authorities and the identity of a client, from certificate files."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from ops_client.errors import CredentialsError


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Certificate files in PEM.

    Raises:
        CredentialsError: A file cannot be used. Raised when a client is created.
    """

    ca: str | os.PathLike[str]
    """Certificates of the authorities that may sign the server's certificate."""
    cert: str | os.PathLike[str] | None = None
    """The client's certificate, with the chain up to an authority that the server trusts."""
    key: str | os.PathLike[str] | None = None
    """The private key of that certificate, without a passphrase."""
    server_name: str = ""
    """The name in the server's certificate, if it is not the target's host."""

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Read the files for gRPC."""
        self.ssl_context()
        own_key = _read(self.key) if self.key is not None else None
        own_cert = _read(self.cert) if self.cert is not None else None
        return grpc.ssl_channel_credentials(_read(self.ca), own_key, own_cert)

    def ssl_context(self) -> ssl.SSLContext:
        """Read the files for the ``ssl`` module, and check that they fit together.

        For a bad file, gRPC itself reports only that it cannot connect.
        """
        if (self.cert is None) != (self.key is None):
            given, missing = ("cert", "key") if self.key is None else ("key", "cert")
            raise CredentialsError(f"There is a {given} but no {missing}: give both, or neither.")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        try:
            context.load_verify_locations(cadata=_read(self.ca).decode("ascii"))
        except (ssl.SSLError, ValueError) as error:
            raise CredentialsError(
                f"{os.fspath(self.ca)} contains no certificates in PEM: give the CA's certificate."
            ) from error
        if self.cert is not None and self.key is not None:
            _read(self.cert)
            _read(self.key)
            try:
                # An empty passphrase, because OpenSSL would ask on the terminal.
                context.load_cert_chain(self.cert, self.key, password=lambda: b"")
            except (ssl.SSLError, ValueError) as error:
                raise CredentialsError(
                    f"{os.fspath(self.cert)} and {os.fspath(self.key)} are not a certificate and "
                    "its unencrypted private key in PEM: give two files that belong together."
                ) from error
        return context


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CredentialsError(
            f"{os.fspath(path)} cannot be read: {error.strerror}. Give a readable file, or make "
            "certificates with `opsctl certs init`."
        ) from error
