"""Who the caller is by the word of a proxy: the header x-forwarded-client-cert.

The header holds an element for each proxy on the way, ``By=…;Hash=…;URI=…``, and
the last is that of the proxy which is connected here. Everything before it may have
been written by the caller. What is read is handed on in the words in which gRPC
itself tells of a peer's certificate, so that there is one set of rules for names.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

from ops_service.config.mesh import MeshConfig
from ops_service.errors import Unauthenticated
from ops_service.gate.authorization import PROXY, AuthContext, is_spiffe_id

HEADER = "x-forwarded-client-cert"

# A value is quoted, or has no character that means something here.
_PAIR = re.compile(r'([A-Za-z]{1,16})=(?:"((?:[^"\\]|\\.)*)"|([^",;\\]*))(?=[;,]|\Z)')

# What one certificate has once.
_ONCE = ("hash", "cert", "chain", "subject")


def read_tls_peer(context: Any) -> AuthContext:
    """What gRPC tells of the peer's verified certificate."""
    found: AuthContext = context.auth_context()
    return found


def read_forwarded_peer(mesh: MeshConfig) -> Callable[[Any], AuthContext]:
    """A function that reads what a proxy says of the caller's certificate.

    It raises Unauthenticated where none of the proxies says anything, or something
    that can be read in two ways.
    """
    proxies = frozenset(mesh.proxies)

    def read(context: Any) -> AuthContext:
        values = [value for key, value in context.invocation_metadata() if key == HEADER]
        return _as_auth_context(_last_element(values), proxies)

    return read


def _last_element(values: Iterable[str | bytes]) -> list[tuple[str, str]]:
    """Keys in lower case and values of the last element of the only header."""
    headers = list(values)
    if not headers:
        raise Unauthenticated(
            f"The call has no {HEADER} header; call through the proxy, and let it set that one."
        )
    if len(headers) > 1:
        raise Unauthenticated(
            f"The call has {len(headers)} {HEADER} headers; let the proxy replace the caller's "
            "(forward_client_cert_details: SANITIZE_SET)."
        )
    header = headers[0]
    if not isinstance(header, str) or not header.isascii() or not header.isprintable():
        raise _unreadable("it holds characters that do not belong there")
    # All of it is read, in order: what a caller wrote before could otherwise open a
    # quotation that swallows what the proxy wrote.
    pairs: list[tuple[str, str]] = []
    at = 0
    while True:
        found = _PAIR.match(header, at)
        if found is None:
            raise _unreadable(f"at character {at}")
        key, quoted, plain = found.groups()
        value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        pairs.append((key.lower(), value))
        at = found.end()
        if at == len(header):
            return pairs
        if header[at] == ",":
            pairs = []
        at += 1


def _unreadable(why: str) -> Unauthenticated:
    return Unauthenticated(f"The header {HEADER} cannot be read, {why}.")


def _as_auth_context(pairs: list[tuple[str, str]], proxies: frozenset[str]) -> AuthContext:
    # A proxy writes an empty value for a name that the certificate does not have.
    names = {
        key: [v for k, v in pairs if k == key and v]
        for key in ("by", "uri", "dns", "hash", "cert", "chain", "subject")
    }
    for key in _ONCE:
        if len(names[key]) > 1:
            raise _unreadable(f"it has more than one {key.capitalize()} in an element")
    vouching = names["by"]
    if not vouching or not proxies.issuperset(vouching):
        said = ", ".join(vouching)[:200] or "nobody"
        raise Unauthenticated(
            f"The header {HEADER} is by {said}, which is not listed in mesh.proxies here."
        )
    if not names["hash"]:
        raise Unauthenticated(
            "The proxy saw no client certificate; let it require one "
            "(require_client_certificate: true), and present one."
        )
    uris = names["uri"]
    certificate, chain = (
        urllib.parse.unquote_to_bytes("".join(names[key])) for key in ("cert", "chain")
    )
    found = {
        "peer_uri": uris,
        "peer_dns": names["dns"],
        "peer_spiffe_id": [each for each in uris if is_spiffe_id(each)],
        PROXY: vouching,
    }
    return {
        **{key: [value.encode("ascii") for value in values] for key, values in found.items()},
        # Empty if the proxy does not hand it on. Then nothing is known of its serial number,
        # or of when it expires.
        "x509_pem_cert": [certificate],
        "x509_pem_cert_chain": [chain],
    }
