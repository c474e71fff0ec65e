"""Loads server credentials from files, and again when the files change."""

from __future__ import annotations

import os
import ssl
import stat

import grpc

from ops_service.config.model import TlsConfig
from ops_service.config.trusted_files import Stamp, read_stamp, refuse_if_others_may_write
from ops_service.errors import ConfigurationError
from ops_service.private_grpc import server_credentials
from ops_service.tls.authorities import Trust, authorities, load_trust
from ops_service.tls.validity import Validities

_KEYS = ("certificate", "private_key", "client_ca")


class CertificateSource:
    """The files of a server's identity, read again when they change.

    Raises:
        ConfigurationError: A file is missing or unsafe, or does not match the others.
    """

    def __init__(self, tls: TlsConfig) -> None:
        self._tls = tls
        self.trust: Trust | None = None
        """The authorities that are still accepted, once one was removed. None before that, and
        if the bundle cannot be checked."""
        self.lost_authority = False
        """Whether the last change removed an authority."""
        self._bundle = b""
        self._stamp = self._read_stamp()
        self._current = self._load()
        self.validities = Validities(self._bundle)
        """Reads validity periods of certificates, for the authorities of the bundle."""

    def credentials(self) -> grpc.ServerCredentials:
        """Credentials that require a client certificate, from the files as last read.

        gRPC could request changed credentials at each handshake, but only by a callback
        into Python from its own thread. A fork of the host at that moment holds the GIL
        and waits for that thread, and would block for a minute.
        """
        return self._current

    def look(self) -> bool:
        """Read the files again if they have changed. Return whether they had.

        Raises:
            ConfigurationError: They cannot be used. The old credentials stay in force.
        """
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return False
        # Remembered even if loading fails: each change is read once.
        self._stamp = stamp
        before = self._bundle
        self._current = self._load()
        if authorities(before) != authorities(self._bundle):
            self.validities = Validities(self._bundle)
        self.lost_authority = not authorities(before) <= authorities(self._bundle)
        if self.lost_authority or self.trust is not None:
            self.trust = load_trust(self._bundle)
        return True

    def _read_stamp(self) -> tuple[Stamp, ...]:
        stamps = []
        for key in _KEYS:
            path = getattr(self._tls, key)
            try:
                stamps.append(read_stamp(path))
            except OSError as error:
                raise ConfigurationError(
                    f"tls.{key}: {path} cannot be read ({error.strerror}); check the path and "
                    "its permissions"
                ) from error
        return tuple(stamps)

    def _load(self) -> grpc.ServerCredentials:
        tls = self._tls
        mode = os.stat(tls.private_key).st_mode
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            raise ConfigurationError(
                f"tls.private_key: {tls.private_key} may be read or written by everyone; "
                "run chmod o-rwx on it or, better, make a new key"
            )
        for key in _KEYS:
            refuse_if_others_may_write(getattr(tls, key), f"tls.{key}")
        # gRPC would accept files that do not match, and fail each handshake.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(tls.certificate, tls.private_key, password=_no_password)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"tls.certificate {tls.certificate} and tls.private_key {tls.private_key} "
                f"cannot be used ({error}); they must be PEM, without a passphrase, and belong "
                "together"
            ) from error
        try:
            context.load_verify_locations(tls.client_ca)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"tls.client_ca: {tls.client_ca} cannot be used ({error}); it must hold "
                "certificates in PEM"
            ) from error
        self._bundle = tls.client_ca.read_bytes()
        return server_credentials(
            tls.private_key.read_bytes(), tls.certificate.read_bytes(), self._bundle
        )


def _no_password() -> str:
    # Without this, OpenSSL would prompt for it on the host's terminal.
    raise ValueError("the private key has a passphrase")
