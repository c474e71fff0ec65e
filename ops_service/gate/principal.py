"""Maps a verified peer certificate to a principal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ops_service.errors import Unauthenticated
from ops_service.tls.certificate import has_nul_in_names

AuthContext = Mapping[str, Iterable[bytes]]
"""Properties of the peer's certificate, as gRPC reports them."""

PROXY = "proxy"
"""Property that names the proxy which vouches for the caller, if there is one."""

_SPIFFE_ID = re.compile(r"spiffe://[a-z0-9._-]{1,255}(?:/[A-Za-z0-9._-]+)+")
_LONGEST_ID = 2048


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity that the server assigns to a caller."""

    name: str
    """Name that grants are matched with. Empty if the certificate gives no usable name."""
    problem: str
    """Why the certificate gives no usable name. Empty if it gives one."""
    presented_names: tuple[str, ...]
    """Every typed subject alternative name of the certificate."""

    @property
    def label(self) -> str:
        """The caller's name in limits, records and messages."""
        return self.name or ",".join(self.presented_names) or "(no name)"


def presented_values(auth_context: AuthContext, key: str) -> list[str]:
    """The values of one property, as text."""
    return [value.decode("utf-8", "backslashreplace") for value in auth_context.get(key, ())]


def identify(auth_context: AuthContext, trust_domains: Iterable[str]) -> Principal:
    """Identify the peer by the typed names of its verified certificate.

    A certificate gives a usable name if it has exactly one URI name, or no URI name
    and exactly one DNS name. The common name and e-mail names never count.

    Raises:
        Unauthenticated: There is no verified certificate.
    """
    # gRPC sets this for each TLS peer, after a resumed session too, and the handshake fails
    # without a certificate. So this check is a second safeguard.
    if not list(auth_context.get("x509_pem_cert", ())):
        raise Unauthenticated(
            "The server saw no client certificate; present one over TLS, in a full handshake."
        )
    uris = presented_values(auth_context, "peer_uri")
    dns_names = presented_values(auth_context, "peer_dns")
    presented = (
        *(f"uri:{name}" for name in uris),
        *(f"dns:{name}" for name in dns_names),
        *(f"email:{name}" for name in presented_values(auth_context, "peer_email")),
        *(f"ip:{name}" for name in presented_values(auth_context, "peer_ip")),
    )

    def unusable(problem: str) -> Principal:
        return Principal("", problem, presented)

    if PROXY not in auth_context and (problem := _problem_of_names(auth_context)):
        return unusable(problem)
    if len(uris) > 1:
        return unusable("The certificate has more than one URI name, so none of them counts.")
    if uris:
        (uri,) = uris
        if not uri.lower().startswith("spiffe:"):
            return Principal(f"uri:{uri}", "", presented)
        # gRPC sets this only for a SPIFFE id, and accepts queries and dots in its path.
        if presented_values(auth_context, "peer_spiffe_id") != [uri] or not is_spiffe_id(uri):
            return unusable("The certificate's SPIFFE id is not well-formed.")
        domain = uri.removeprefix("spiffe://").partition("/")[0]
        if domain not in trust_domains:
            return unusable(f"The trust domain {domain} of the certificate is not trusted here.")
        return Principal(uri, "", presented)
    if len(dns_names) > 1:
        return unusable("The certificate has more than one DNS name and no URI name.")
    if dns_names:
        return Principal(f"dns:{dns_names[0].lower()}", "", presented)
    return unusable(
        "The certificate has neither a URI nor a DNS name among its subject alternative "
        "names; common names and e-mail names do not count."
    )


def is_spiffe_id(name: str) -> bool:
    """Whether a name is a SPIFFE id with a path, as the standard defines them."""
    return (
        len(name) <= _LONGEST_ID
        and _SPIFFE_ID.fullmatch(name) is not None
        and not {".", ".."} & set(name.split("/"))
    )


def _problem_of_names(auth_context: AuthContext) -> str:
    try:
        found = has_nul_in_names(next(iter(auth_context["x509_pem_cert"])))
    except ValueError:
        return "The names of the certificate cannot be read."
    return "A name of the certificate contains a NUL, so none of them counts." if found else ""
