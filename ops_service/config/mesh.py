"""The configuration of a port that believes a proxy about who calls."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshConfig:
    """A proxy of the same user that ends TLS, and tells who the caller is.

    The port speaks plaintext then, on a Unix socket in a directory that nobody else
    may enter. Whoever can open the socket can say that they are anybody.
    """

    enabled: bool = False
    """Off unless set. The port then has no TLS of its own: there is no ``tls`` table."""
    proxies: tuple[str, ...] = ()
    """Names of the proxy, ``spiffe://…`` or another URI, as its own certificate has
    them and it writes them after ``By=``. What another proxy says is refused."""


def check_mesh(mesh: MeshConfig, *, address: str, has_tls: bool, has_crl: bool) -> None:
    """Refuse what makes no sense or is not safe.

    Raises:
        ConfigurationError: Names the key and the remedy.
    """
    if not mesh.enabled:
        if mesh.proxies:
            raise ConfigurationError(
                "mesh.proxies is of no use without mesh.enabled; set mesh.enabled = true to "
                "believe them, or leave both out"
            )
        if not has_tls:
            raise ConfigurationError("tls is missing; add it")
        return
    if not address.startswith("unix:"):
        raise ConfigurationError(
            f"server.address is {address!r} with mesh.enabled, and there anybody who connects "
            "could say who they are; let the proxy hand over on a Unix socket in a directory with "
            'mode 0700, such as "unix:/run/app/ops/ops.sock"'
        )
    if has_tls:
        raise ConfigurationError(
            "tls is of no use with mesh.enabled, since the proxy ends TLS; leave out one of the two"
        )
    if has_crl:
        raise ConfigurationError(
            "revocation.crl is of no use with mesh.enabled, since no authority is known here that "
            "signed it; let the proxy check the list, or use revocation.denied_serials"
        )
    if not mesh.proxies:
        raise ConfigurationError(
            "mesh.proxies is empty, so nobody would be believed; name the proxy as its own "
            'certificate does, such as "spiffe://example.org/shop"'
        )
    for index, name in enumerate(mesh.proxies):
        if "://" not in name or any(each in name for each in '",;* '):
            raise ConfigurationError(
                f"mesh.proxies[{index}] is {name!r}; write the one URI of the proxy's certificate, "
                'such as "spiffe://example.org/shop", without wildcards'
            )
