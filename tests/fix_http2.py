"""A client that writes HTTP/2 frames itself, so that it can break every rule of gRPC."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from fix_certs import Identity

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def tls_context(identity: Identity) -> ssl.SSLContext:
    """A client's TLS context: its certificate, its trusted authority, and HTTP/2 by ALPN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(identity.ca)
    context.load_cert_chain(identity.certificate, identity.private_key)
    context.set_alpn_protocols(["h2"])
    return context


def connect_tls(address: str, identity: Identity) -> ssl.SSLSocket:
    """A connection after the TLS handshake, before any HTTP/2 frame."""
    return shake_hands(address, tls_context(identity))


def shake_hands(
    address: str, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> ssl.SSLSocket:
    """Connect with a context. Given a session of that context, resume it."""
    host, _, port = address.rpartition(":")
    raw = socket.create_connection((host, int(port)), 120)
    try:
        return context.wrap_socket(raw, server_hostname="localhost", session=session)
    except BaseException:
        raw.close()
        raise


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame as it goes over the wire."""
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    )


class Http2:
    """One connection that follows the protocol, with headers that the caller chooses."""

    def __init__(
        self, address: str, identity: Identity, connection: ssl.SSLSocket | None = None
    ) -> None:
        """
        Args:
            connection: An existing connection to use, if any.
        """
        self.socket = connect_tls(address, identity) if connection is None else connection
        config = h2.config.H2Configuration(
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def request(
        self, path: bytes, more: Iterable[tuple[bytes, bytes]] = (), *, body: bytes | None = b""
    ) -> int:
        """Open a call. Send its only message and the end of the stream, unless body is None."""
        stream = self.h2.get_next_available_stream_id()
        headers = [
            (b":method", b"POST"),
            (b":scheme", b"https"),
            (b":path", path),
            (b":authority", b"localhost"),
            (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
            *more,
        ]
        self.h2.send_headers(stream, headers)
        if body is not None:
            self.h2.send_data(stream, message(body), end_stream=True)
        self.flush()
        return stream

    def outcome(self, stream: int) -> dict[bytes, bytes] | None:
        """The last headers of a stream. None if the stream or the connection was reset."""
        headers: dict[bytes, bytes] = {}
        while True:
            try:
                data = self.socket.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return None
            if not data:
                return None
            for event in self.h2.receive_data(data):
                if getattr(event, "stream_id", stream) != stream:
                    continue
                match event:
                    case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                        headers.update(event.headers)
                    case h2.events.StreamEnded():
                        return headers
                    case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                        return None
            self.flush()

    def close(self) -> None:
        self.socket.close()


class ResumingClient:
    """A caller that resumes its TLS session with each connection."""

    def __init__(self, address: str, identity: Identity, version: ssl.TLSVersion) -> None:
        self._address, self._identity = address, identity
        self._context = tls_context(identity)
        self._context.minimum_version = self._context.maximum_version = version
        self._session: ssl.SSLSession | None = None
        self.resumed = False
        """Whether the last connection resumed the session of the one before."""

    def call(self, path: bytes) -> dict[bytes, bytes] | None:
        """The outcome of a call over its own connection, as `Http2.outcome` returns it.

        Raises:
            OSError: The handshake failed.
        """
        shaken = shake_hands(self._address, self._context, self._session)
        connection = Http2(self._address, self._identity, shaken)
        try:
            try:
                found = connection.outcome(connection.request(path))
            except h2.exceptions.ProtocolError:
                # A server that closes the connection keeps writing after its GOAWAY.
                found = None
            self.resumed = bool(connection.socket.session_reused)
            self._session = connection.socket.session
        finally:
            connection.close()
        return found


def message(body: bytes, *, compressed: bool = False) -> bytes:
    """A message in gRPC's framing."""
    return bytes((compressed,)) + len(body).to_bytes(4, "big") + body
