"""Reads the caller's identity from a proxy's header: x-forwarded-client-cert.

The header holds one element for each proxy on the way, ``By=…;Hash=…;URI=…``. The
last element is from the proxy that is connected here. The caller may have written
everything before it. The result uses the same property names as gRPC's own report
of a peer certificate, so one set of rules for names serves both.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

from ops_service.config.model import MeshConfig
from ops_service.errors import Unauthenticated
from ops_service.gate.principal import PROXY, AuthContext, is_spiffe_id

HEADER = "x-forwarded-client-cert"

# A value is quoted, or contains no special character.
_PAIR = re.compile(r'([A-Za-z]{1,16})=(?:"((?:[^"\\]|\\.)*)"|([^",;\\]*))(?=[;,]|\Z)')

# Fields that a certificate has only once.
_ONCE = ("hash", "cert", "chain", "subject")


def read_tls_peer(context: Any) -> AuthContext:
    """The peer's verified certificate, as gRPC reports it."""
    found: AuthContext = context.auth_context()
    return found


def read_forwarded_peer(mesh: MeshConfig) -> Callable[[Any], AuthContext]:
    """Return a function that reads the proxy's statement about the caller's certificate.

    The function raises Unauthenticated if no listed proxy makes a statement, or if the
    statement is ambiguous.
    """
    proxies = frozenset(mesh.proxies)

    def read(context: Any) -> AuthContext:
        values = [value for key, value in context.invocation_metadata() if key == HEADER]
        return _as_auth_context(_last_element(values), proxies)

    return read


def _last_element(values: Iterable[str | bytes]) -> list[tuple[str, str]]:
    """Pairs of the last element of the only header: lower-case key and value."""
    headers = list(values)
    if not headers:
        raise Unauthenticated(
            f"The call has no {HEADER} header; call through the proxy, and let it set this header."
        )
    if len(headers) > 1:
        raise Unauthenticated(
            f"The call has {len(headers)} {HEADER} headers; let the proxy replace the caller's "
            "(forward_client_cert_details: SANITIZE_SET)."
        )
    header = headers[0]
    if not isinstance(header, str) or not header.isascii() or not header.isprintable():
        raise _unreadable("it contains characters that are not allowed")
    # The whole header is read, in order. Otherwise text from the caller could open a
    # quotation that swallows the proxy's element.
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
            f"The header {HEADER} is from {said}, which is not listed in mesh.proxies here."
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
        # Empty if the proxy does not pass it on. Then its serial number and its expiry
        # are unknown.
        "x509_pem_cert": [certificate],
        "x509_pem_cert_chain": [chain],
    }
