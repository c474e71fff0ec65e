"""Checks that a caller's certificate still leads to an authority, once one was removed.

gRPC checks this only at the handshake, so a connection outlives the authority that
accepted it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")

# Bound on cached answers, one for each chain of certificates that was presented.
_MOST = 1000

# A chain normally has a few certificates; a caller can present more.
_LONGEST = 10


def authorities(bundle: bytes) -> frozenset[bytes]:
    """The certificates of a PEM bundle, with line breaks removed."""
    return frozenset(b"".join(each.split()) for each in _PEM.findall(bundle))


class Trust:
    """The authorities of a bundle."""

    def __init__(self, certificates: Iterable[x509.Certificate]) -> None:
        self._authorities = tuple(certificates)
        self._known: dict[tuple[bytes, ...], bool] = {}

    def holds(self, certificate: bytes, chain: Iterable[bytes]) -> bool:
        """Whether a certificate leads to an authority.

        The handshake has verified that the certificates were valid and issued for clients.
        Costs one signature check for each step; later calls use the cached answer.

        Args:
            certificate: The caller's own, in PEM.
            chain: The other certificates that the caller presented, in PEM.
        """
        key = (certificate, *chain)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[key] = self._leads_to_authority(key)
        return found

    def _leads_to_authority(self, key: tuple[bytes, ...]) -> bool:
        from cryptography import x509

        try:
            leaf = x509.load_pem_x509_certificate(key[0])
            presented = [each for pem in key[1:] for each in _PEM.findall(pem)][:_LONGEST]
            found = [x509.load_pem_x509_certificate(each) for each in presented]
        except ValueError:
            return False
        issuers = [each for each in found if _may_issue(each)]
        reached = [leaf]
        for each in reached:
            if any(
                each == authority or _issued(each, authority) for authority in self._authorities
            ):
                return True
            reached += [i for i in issuers if i not in reached and _issued(each, i)]
        return False


def load_trust(bundle: bytes) -> Trust | None:
    """Read a bundle. None if it cannot be read or the package cryptography is missing."""
    try:
        from cryptography import x509

        return Trust(x509.load_pem_x509_certificates(bundle))
    except (ImportError, ValueError):
        return None


def _may_issue(certificate: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (ValueError, x509.ExtensionNotFound):
        return False
    return found.value.ca


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, UnsupportedAlgorithm, ValueError):
        return False
    return True
