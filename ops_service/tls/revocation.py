"""Revoked certificates: a list of serial numbers, and CRLs.

gRPC has no option for revocation lists, so the gate checks here at each call.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops_service.config.model import RevocationConfig
from ops_service.config.trusted_files import refuse_if_others_may_write
from ops_service.errors import ConfigurationError
from ops_service.tls.certificate import serial_number

if TYPE_CHECKING:
    from cryptography import x509

_BEGIN = b"-----BEGIN X509 CRL-----"
_END = b"-----END X509 CRL-----"


@dataclass(frozen=True)
class Revocation:
    """The revoked certificates. Immutable; changed files produce a new one."""

    denied_serials: frozenset[int] = frozenset()
    """Serial numbers that are refused, whatever the issuer."""
    lists: tuple[x509.CertificateRevocationList, ...] = ()
    """Revocation lists with verified signatures."""

    def problem(self, certificate: bytes) -> str:
        """Why a peer's certificate, in PEM, is rejected. Empty if it is accepted.

        A certificate that cannot be read is rejected. If there are revocation lists, a
        certificate whose issuer has no list is rejected too.
        """
        if not self.denied_serials and not self.lists:
            return ""
        if not certificate:
            return (
                "The proxy does not pass on the certificate, and its serial number is needed here "
                "(set_current_client_cert_details: cert)."
            )
        try:
            serial = serial_number(certificate)
        except ValueError:
            return "The serial number of the certificate cannot be read."
        if serial in self.denied_serials:
            return f"The serial number {serial:x} of the certificate is denied here."
        return self._listed(certificate, serial) if self.lists else ""

    def _listed(self, certificate: bytes, serial: int) -> str:
        from cryptography import x509

        try:
            issuer = x509.load_pem_x509_certificate(certificate).issuer
        except ValueError:
            return "The certificate cannot be read."
        known = [each for each in self.lists if each.issuer == issuer]
        if not known:
            return "The issuer of the certificate has no revocation list here."
        for each in known:
            if each.get_revoked_certificate_by_serial_number(serial) is not None:
                return f"The certificate with the serial number {serial:x} was revoked."
        return ""

    def stale(self) -> str:
        """A list that is past its next update, as a sentence. Empty if there is none."""
        now = datetime.datetime.now(datetime.UTC)
        for each in self.lists:
            due = each.next_update_utc
            if due is not None and due < now:
                return (
                    f"A revocation list of {each.issuer.rfc4514_string() or 'an unnamed issuer'} "
                    f"was due to be replaced at {due:%Y-%m-%d %H:%M:%SZ}"
                )
        return ""


def load_revocation(config: RevocationConfig, client_ca: Path | None) -> Revocation:
    """Read the revocation data that a configuration names.

    Raises:
        ConfigurationError: The file cannot be used, or the package cryptography is not
            installed.
    """
    serials = frozenset(int(each.replace(":", ""), 16) for each in config.denied_serials)
    if config.crl is None or client_ca is None:
        return Revocation(serials)
    try:
        from cryptography import x509
    except ImportError as error:
        raise ConfigurationError(
            "revocation.crl needs the package cryptography; install it with "
            "`pip install 'ops-service[revocation]'`, or remove revocation.crl"
        ) from error
    refuse_if_others_may_write(config.crl, "revocation.crl")
    try:
        data = config.crl.read_bytes()
        authorities = x509.load_pem_x509_certificates(client_ca.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"revocation.crl: {config.crl} cannot be read ({error.strerror}); check the path "
            "and its permissions"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"tls.client_ca: {client_ca} cannot be read ({error})") from error
    try:
        lists = tuple(_parse(data))
    except ValueError as error:
        raise ConfigurationError(
            f"revocation.crl: {config.crl} cannot be used ({error}); it must hold certificate "
            "revocation lists, in PEM or one in DER"
        ) from error
    for each in lists:
        _verify(config.crl, each, authorities)
    return Revocation(serials, lists)


def _parse(data: bytes) -> Iterable[x509.CertificateRevocationList]:
    from cryptography import x509

    if _BEGIN not in data:
        yield x509.load_der_x509_crl(data)
        return
    for part in data.split(_BEGIN)[1:]:
        body, end, _ = part.partition(_END)
        if not end:
            raise ValueError("its end is missing")
        yield x509.load_pem_x509_crl(_BEGIN + body + _END + b"\n")


def _verify(path: Path, found: x509.CertificateRevocationList, authorities: list[Any]) -> None:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    for extension in found.extensions:
        # Critical extensions mark lists that are partial or hold only changes.
        if extension.critical and not isinstance(extension.value, x509.CRLNumber):
            raise ConfigurationError(
                f"revocation.crl: {path} holds a list with the critical extension "
                f"{extension.oid.dotted_string}, which is not supported; use a complete list"
            )
    for authority in authorities:
        if authority.subject != found.issuer:
            continue
        try:
            if found.is_signature_valid(authority.public_key()):
                return
        except (InvalidSignature, TypeError, ValueError):
            continue
    raise ConfigurationError(
        f"revocation.crl: {path} holds a list that no authority of tls.client_ca has signed; "
        "get it from the authority itself"
    )
