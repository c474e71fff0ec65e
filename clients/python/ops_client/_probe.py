"""Find out why a port did not answer, by connecting to it.

gRPC reports UNAVAILABLE or DEADLINE_EXCEEDED for a host that is down, a port without
a listener, a rejected certificate, and a process whose GIL is held. Each needs another
remedy, so each gets its own exception.
"""

from __future__ import annotations

import re
import socket
import ssl

from ops_client.credentials import ClientCredentials
from ops_client.errors import (
    ConnectionFailed,
    HostUnreachable,
    NothingListening,
    ServerSilent,
    TlsFailed,
)

# The first bytes of every HTTP/2 client: the preface and an empty SETTINGS frame.
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))

SILENT = (
    "{target} accepts connections but the process does not answer: a thread holds the GIL, or "
    "the process is stopped or gets no CPU. Try `py-spy dump --pid PID` on its host."
)


def probe(target: str, credentials: ClientCredentials, timeout: float) -> ConnectionFailed | None:
    """Connect to a port and return its problem, or None if it answers.

    Blocks for up to three times ``timeout`` seconds. Also returns None if the target is
    neither a host and port nor a socket's path, because it cannot be probed then.
    """
    address = _address(target)
    if address is None:
        return None
    try:
        if isinstance(address, str):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(timeout)
            connection.connect(address)
            host = "localhost"
        else:
            host = address[0]
            connection = socket.create_connection(address, timeout)
    except socket.gaierror as error:
        return HostUnreachable(
            f"The host of {target} cannot be found ({error.strerror}). Check its name."
        )
    except (ConnectionRefusedError, FileNotFoundError):
        return NothingListening(
            f"Nothing listens at {target}. Check the address, and that the process has started "
            "its maintenance port."
        )
    except TimeoutError:
        return HostUnreachable(
            f"{target} does not accept the connection: a firewall drops it, the host is down, or "
            "the process has been stopped for a long time."
        )
    except OSError as error:
        return HostUnreachable(f"{target} cannot be reached: {error.strerror}.")
    with connection:
        return _shake_hands(target, host, connection, credentials)


def _address(target: str) -> tuple[str, int] | str | None:
    if path := re.fullmatch(r"unix:(?://)?(.+)", target):
        return path[1]
    if name := re.fullmatch(r"unix-abstract:(.+)", target):
        return f"\0{name[1]}"
    found = re.fullmatch(r"(?:dns:(?:///)?|ipv4:|ipv6:)?(?:\[([^]]+)\]|([^:/]+)):(\d+)", target)
    return (found[1] or found[2], int(found[3])) if found else None


def _shake_hands(
    target: str, host: str, connection: socket.socket, credentials: ClientCredentials
) -> ConnectionFailed | None:
    context = credentials.ssl_context()
    try:
        secure = context.wrap_socket(connection, server_hostname=credentials.server_name or host)
    except TimeoutError:
        return ServerSilent(SILENT.format(target=target))
    except ssl.SSLCertVerificationError as error:
        return TlsFailed(f"TLS: {_distrust(target, error)}")
    except ssl.SSLError as error:
        return TlsFailed(f"TLS: {target} ended the handshake ({_reason(error)}). {_REMEDY}")
    except OSError:
        return TlsFailed(f"TLS: {target} ended the handshake. {_REMEDY}")
    # With TLS 1.3, the server verifies the client's certificate only now.
    with secure:
        try:
            secure.sendall(_GREETING)
            if secure.recv(1):
                return None
            reason = "closed the connection"
        except TimeoutError:
            return ServerSilent(SILENT.format(target=target))
        except ssl.SSLError as error:
            reason = _reason(error)
        except OSError:
            reason = "connection reset"
    if credentials.cert is None:
        return TlsFailed(
            f"TLS: {target} requires a client certificate ({reason}). Give cert and key."
        )
    return TlsFailed(
        f"TLS: {target} does not accept the client certificate ({reason}). Give one that is valid "
        "and signed by an authority that the server trusts."
    )


_REMEDY = "Check that this is the maintenance port, not a port without TLS."


def _distrust(target: str, error: ssl.SSLCertVerificationError) -> str:
    reason = error.verify_message.rstrip(".")
    if "mismatch" in reason or "not valid for" in reason:
        return (
            f"the certificate of {target} is for another name ({reason}). Give that name as the "
            "server name."
        )
    if "expired" in reason or "not yet valid" in reason:
        return f"the certificate of {target} is out of date ({reason}). It must be renewed."
    return (
        f"the certificate of {target} is not signed by the CA given ({reason}). Give the CA that "
        "signed it."
    )


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or error.strerror or "unknown").lower().replace("_", " ")
