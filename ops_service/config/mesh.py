"""Configuration of a port that takes the caller's identity from a proxy."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshConfig:
    """A proxy of the same user that terminates TLS and reports the caller's identity.

    The port then uses plaintext on a Unix socket, in a directory that no other user
    may enter. Any process that can open the socket can claim any identity.
    """

    enabled: bool = False
    """Off by default. If on, the port itself has no TLS: there is no ``tls`` table."""
    proxies: tuple[str, ...] = ()
    """Names of the proxy, ``spiffe://…`` or another URI, as in its own certificate and after
    ``By=`` in the header. Statements of other proxies are refused."""


def check_mesh(mesh: MeshConfig, *, address: str, has_tls: bool, has_crl: bool) -> None:
    """Refuse settings that make no sense or are not safe.

    Raises:
        ConfigurationError: Names the key and the fix.
    """
    if not mesh.enabled:
        if mesh.proxies:
            raise ConfigurationError(
                "mesh.proxies has no effect without mesh.enabled; set mesh.enabled = true to "
                "trust them, or leave both out"
            )
        if not has_tls:
            raise ConfigurationError("tls is missing; add it")
        return
    if not address.startswith("unix:"):
        raise ConfigurationError(
            f"server.address is {address!r} with mesh.enabled, and any client that connects there "
            "could claim any identity; let the proxy connect to a Unix socket in a directory with "
            'mode 0700, such as "unix:/run/app/ops/ops.sock"'
        )
    if has_tls:
        raise ConfigurationError(
            "tls has no effect with mesh.enabled, since the proxy terminates TLS; leave out one of "
            "the two"
        )
    if has_crl:
        raise ConfigurationError(
            "revocation.crl has no effect with mesh.enabled, since the authority that signed it is "
            "not known here; let the proxy check the list, or use revocation.denied_serials"
        )
    if not mesh.proxies:
        raise ConfigurationError(
            "mesh.proxies is empty, so no proxy would be trusted; name the proxy as in its own "
            'certificate, such as "spiffe://example.org/shop"'
        )
    for index, name in enumerate(mesh.proxies):
        if "://" not in name or any(each in name for each in '",;* '):
            raise ConfigurationError(
                f"mesh.proxies[{index}] is {name!r}; write the one URI of the proxy's certificate, "
                'such as "spiffe://example.org/shop", without wildcards'
            )
