"""Whether a caller's certificate still leads to an authority, once one was taken out.

gRPC asks at the handshake alone, so that a connection outlives the authority that it
was accepted by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")

# As many answers as are kept, one for each chain of certificates that was presented.
_MOST = 1000

# A chain is a few certificates; a caller can present more.
_LONGEST = 10


def authorities(bundle: bytes) -> frozenset[bytes]:
    """The certificates of a bundle in PEM, however they are broken into lines."""
    return frozenset(b"".join(each.split()) for each in _PEM.findall(bundle))


class Trust:
    """The authorities of a bundle."""

    def __init__(self, certificates: Iterable[x509.Certificate]) -> None:
        self._authorities = tuple(certificates)
        self._known: dict[tuple[bytes, ...], bool] = {}

    def holds(self, certificate: bytes, chain: Iterable[bytes]) -> bool:
        """Whether a certificate leads to an authority.

        That the certificates were valid, and issued for clients, was seen at the
        handshake. Costs a signature for each step, and nothing the second time.

        Args:
            certificate: The caller's own, in PEM.
            chain: What the caller presented beside it, in PEM.
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
    """Read a bundle. None where it cannot be asked, without the package cryptography too."""
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
