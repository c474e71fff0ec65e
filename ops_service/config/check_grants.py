"""Checks of the grants: principals, wildcards, capabilities and operations."""

from __future__ import annotations

import re

from ops_service.config.model import CAPABILITIES, Config, Grant
from ops_service.errors import ConfigurationError


def check_grants(config: Config, *, may_be_empty: bool) -> None:
    """Refuse grants that are wrong, have no effect, or reach further than they may.

    Raises:
        ConfigurationError: Names the key and the fix.
    """
    if not config.grants and not may_be_empty:
        raise ConfigurationError(
            "grants is empty, so nobody could call anything; add a [[grants]] table "
            "with principal and capabilities"
        )
    seen: set[str] = set()
    for index, grant in enumerate(config.grants):
        key = f"grants[{index}]"
        name = grant.principal
        prefix = next((p for p in ("spiffe://", "uri:", "dns:") if name.startswith(p)), "")
        if not prefix or name == prefix:
            raise ConfigurationError(
                f'{key}.principal is {name!r}; write "spiffe://domain/path", '
                '"uri:…" or "dns:…", as the certificate names it'
            )
        if name.startswith("uri:spiffe:"):
            raise ConfigurationError(f'{key}.principal is {name!r}; leave out "uri:"')
        domain = name.removeprefix("spiffe://").partition("/")[0]
        if prefix == "spiffe://" and domain not in config.authorization.trust_domains:
            raise ConfigurationError(
                f"{key}.principal is {name!r}, whose trust domain is not listed; "
                f'add "{domain}" to authorization.trust_domains'
            )
        _check_wildcard(key, grant)
        if name in seen:
            raise ConfigurationError(
                f"{key}.principal is {name!r}, which has a grant already; merge the two"
            )
        seen.add(name)
        if not grant.capabilities:
            raise ConfigurationError(
                f"{key}.capabilities is empty; list some of {', '.join(CAPABILITIES)}"
            )
        if grant.operations and "OPERATE" not in grant.capabilities:
            raise ConfigurationError(
                f'{key}.operations has no effect without the capability; add "OPERATE" to '
                f"{key}.capabilities"
            )
        if "" in grant.operations:
            raise ConfigurationError(
                f'{key}.operations holds an empty pattern; write names such as "cache.clear" or '
                'patterns such as "cache.*"'
            )
        for capability in grant.capabilities:
            if capability not in CAPABILITIES:
                raise ConfigurationError(
                    f"{key}.capabilities holds {capability!r}, which is not a capability; "
                    f"choose from {', '.join(CAPABILITIES)}"
                )


def _check_wildcard(key: str, grant: Grant) -> None:
    name = grant.principal
    if "*" not in name:
        return
    for capability in ("EVALUATE", "READ_CONTENT"):
        if capability in grant.capabilities:
            raise ConfigurationError(
                f"{key}.principal is {name!r}, a wildcard, which cannot hold {capability}; name "
                "each principal that may have it"
            )
    if not re.fullmatch(r"(spiffe|uri:[\w+.-]+)://[^/*]+(/[^/*]+)*/\*", name):
        raise ConfigurationError(
            f'{key}.principal is {name!r}; a "*" may only stand for the whole last segment of a '
            'URI, as in "spiffe://example.org/team/*"'
        )
