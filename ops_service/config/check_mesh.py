"""Checks of a port that takes the caller's identity from a proxy: the table ``mesh``."""

from __future__ import annotations

from ops_service.config.model import Config
from ops_service.errors import ConfigurationError


def check_mesh(config: Config) -> None:
    """Refuse settings that make no sense or are not safe.

    Raises:
        ConfigurationError: Names the key and the fix.
    """
    mesh, address = config.mesh, config.server.address
    if not mesh.enabled:
        if mesh.proxies:
            raise ConfigurationError(
                "mesh.proxies has no effect without mesh.enabled; set mesh.enabled = true to "
                "trust them, or leave both out"
            )
        if config.tls is None:
            raise ConfigurationError("tls is missing; add it")
        return
    if not address.startswith("unix:"):
        raise ConfigurationError(
            f"server.address is {address!r} with mesh.enabled, and any client that connects there "
            "could claim any identity; let the proxy connect to a Unix socket in a directory with "
            'mode 0700, such as "unix:/run/app/ops/ops.sock"'
        )
    if config.tls is not None:
        raise ConfigurationError(
            "tls has no effect with mesh.enabled, since the proxy terminates TLS; leave out one of "
            "the two"
        )
    if config.revocation.crl is not None:
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
