"""From files to server credentials that follow them when they change."""

from __future__ import annotations

import logging
import os
import ssl
import stat
import threading
import time

import grpc

from ops_service.config import TlsConfig
from ops_service.errors import ConfigurationError

_LOGGER = logging.getLogger("ops_service")

# gRPC asks at each handshake; the files are looked at no more often than this.
_CHECK_SECONDS = 1.0

_Stamp = tuple[tuple[int, int, int], ...]


class CertificateSource:
    """The files of a server's identity, read again when they change.

    If a changed file cannot be used, the last good ones stay in force and the
    log says so.

    Raises:
        ConfigurationError: A file is missing, unsafe, or does not fit the others.
    """

    def __init__(self, tls: TlsConfig) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._stamp = self._read_stamp()
        self._current = self._load()
        self._checked = time.monotonic()

    def credentials(self) -> grpc.ServerCredentials:
        """Credentials for one server that demand a client certificate.

        They are no good for a second server: gRPC takes the certificates that
        they begin with once.
        """
        given = self._current

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            self._look()
            if self._current is given:
                return None
            given = self._current
            return given

        # gRPC takes None from the fetcher for "no change"; its type stubs do not know.
        return grpc.dynamic_ssl_server_credentials(
            given,
            changed,  # type: ignore[arg-type]
            require_client_authentication=True,
        )

    def _look(self) -> None:
        """Read the files again if they have changed. gRPC asks at each handshake."""
        # Another handshake is looking already; it need not be done twice.
        if not self._lock.acquire(blocking=False):
            return
        try:
            now = time.monotonic()
            if now - self._checked < _CHECK_SECONDS:
                return
            self._checked = now
            stamp = self._read_stamp()
            if stamp == self._stamp:
                return
            # Remembered even if loading fails: the log is told once a change.
            self._stamp = stamp
            self._current = self._load()
            _LOGGER.info("TLS files were reloaded")
        except Exception as error:
            _LOGGER.error(
                "changed TLS files cannot be used, the last good ones stay in force: %s", error
            )
        finally:
            self._lock.release()

    def _read_stamp(self) -> _Stamp:
        stamps = []
        for key in ("certificate", "private_key", "client_ca"):
            path = getattr(self._tls, key)
            try:
                info = os.stat(path)
            except OSError as error:
                raise ConfigurationError(
                    f"tls.{key}: {path} cannot be read ({error.strerror}); check the path and "
                    "its permissions"
                ) from error
            stamps.append((info.st_mtime_ns, info.st_ino, info.st_size))
        return tuple(stamps)

    def _load(self) -> grpc.ServerCertificateConfiguration:
        tls = self._tls
        mode = os.stat(tls.private_key).st_mode
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            raise ConfigurationError(
                f"tls.private_key: {tls.private_key} may be read or written by everybody; "
                "run chmod o-rwx on it, or better, make a new key"
            )
        # gRPC would accept files that do not fit and fail each handshake.
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
        pair = (tls.private_key.read_bytes(), tls.certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration(
            [pair], root_certificates=tls.client_ca.read_bytes()
        )


def _no_password() -> str:
    # Without this OpenSSL would ask for it at the host's terminal.
    raise ValueError("the private key has a passphrase")
