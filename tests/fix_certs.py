"""A certificate authority made for the test run, and certificates of every kind."""

from __future__ import annotations

import datetime
import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

DAY = datetime.timedelta(days=1)


def uri(name: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(name)


def dns(name: str) -> x509.GeneralName:
    return x509.DNSName(name)


def email(name: str) -> x509.GeneralName:
    return x509.RFC822Name(name)


def ip(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name))


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as PEM files, and the authority to trust."""

    certificate: Path
    private_key: Path
    ca: Path

    @property
    def loaded(self) -> x509.Certificate:
        """The certificate itself, without intermediate certificates."""
        return x509.load_pem_x509_certificate(self.certificate.read_bytes())

    @property
    def serial(self) -> int:
        return self.loaded.serial_number

    @property
    def expiry(self) -> float:
        """When the certificate expires, as Unix time."""
        return self.loaded.not_valid_after_utc.timestamp()

    def channel_credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(
            self.ca.read_bytes(), self.private_key.read_bytes(), self.certificate.read_bytes()
        )


class CertificateAuthority:
    """Issues certificates into a directory. Keys have mode 0600."""

    def __init__(
        self,
        directory: Path,
        *,
        name: str = "test authority",
        above: CertificateAuthority | None = None,
        not_after: datetime.timedelta = DAY,
    ) -> None:
        """
        Args:
            above: The issuer, unless this is a root. The files of issued certificates then
                also contain this authority's certificate.
            not_after: From now.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._above = above
        issuer = self if above is None else above
        self.certificate = directory / "ca.pem"
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(issuer._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + not_after)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            # Distinguishes two authorities of the same name.
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(issuer._key, hashes.SHA256())
        )
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        name: str,
        *names: x509.GeneralName,
        common_name: str | None = None,
        usages: Sequence[ObjectIdentifier] = (
            ExtendedKeyUsageOID.CLIENT_AUTH,
            ExtendedKeyUsageOID.SERVER_AUTH,
        ),
        not_before: datetime.timedelta = -DAY,
        not_after: datetime.timedelta = DAY,
    ) -> Identity:
        """Issue a certificate with these subject alternative names.

        Args:
            name: The name of the files.
            not_before: From now.
            not_after: From now.
        """
        now = datetime.datetime.now(datetime.UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + not_before)
            .not_valid_after(now + not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if names:
            # RFC 5280 makes this critical if the subject is empty.
            builder = builder.add_extension(
                x509.SubjectAlternativeName(names), critical=not subject
            )
        return self._write(name, key, builder.sign(self._key, hashes.SHA256()))

    def _write(
        self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
    ) -> Identity:
        """Write the files of a certificate that this authority issued."""
        root, between = self, b""
        while root._above is not None:
            between += root.certificate.read_bytes()
            root = root._above
        identity = Identity(
            self._directory / f"{name}.pem", self._directory / f"{name}.key", root.certificate
        )
        identity.certificate.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM) + between
        )
        identity.private_key.touch(mode=0o600)
        identity.private_key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return identity

    def revocation_list(self, *serials: int, due: datetime.timedelta = DAY) -> bytes:
        """A signed list of revoked certificates, in PEM. The next list is due after `due`."""
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(now - DAY)
            .next_update(now + due)
        )
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder().serial_number(serial)
            builder = builder.add_revoked_certificate(revoked.revocation_date(now).build())
        signed = builder.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    @functools.cached_property
    def server(self) -> Identity:
        """The certificate of most hosts. Issued once, because running hosts notice new files."""
        return self.issue_server("server")

    def issue_server(self, name: str) -> Identity:
        """Issue a certificate for a server on this machine."""
        return self.issue(
            name,
            dns("localhost"),
            ip("127.0.0.1"),
            ip("::1"),
            usages=[ExtendedKeyUsageOID.SERVER_AUTH],
        )


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """The authority that the test's servers and clients trust."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))
