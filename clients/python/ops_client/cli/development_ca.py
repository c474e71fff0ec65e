"""A certificate authority for development, and the certificates that it issues."""

from __future__ import annotations

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = datetime.timedelta(days=90)
# Clocks of two machines differ.
_LEEWAY = datetime.timedelta(minutes=5)

_PEM = serialization.Encoding.PEM


def make_certificates(server: str, operator: str) -> dict[str, bytes]:
    """Make a CA, a server certificate and a client certificate.

    Args:
        server: URI in the server's certificate, which also names localhost.
        operator: URI in the client's certificate.

    Returns:
        PEM contents by file name. Private keys are not encrypted.
    """
    ca_key, server_key, client_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ops_service development CA")])
    ca = (
        _certificate(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    local = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]

    def issue(
        uri: str,
        key: ec.EllipticCurvePrivateKey,
        usage: x509.ObjectIdentifier,
        *names: x509.GeneralName,
    ) -> bytes:
        certificate = (
            _certificate(x509.Name([]), ca_name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), *names]),
                # Critical, as RFC 5280 requires if there is no subject.
                critical=True,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
                critical=False,
            )
            .sign(ca_key, hashes.SHA256())
        )
        return certificate.public_bytes(_PEM)

    return {
        "ca.pem": ca.public_bytes(_PEM),
        "ca-key.pem": _private(ca_key),
        "server.pem": issue(server, server_key, ExtendedKeyUsageOID.SERVER_AUTH, *local),
        "server-key.pem": _private(server_key),
        "client.pem": issue(operator, client_key, ExtendedKeyUsageOID.CLIENT_AUTH),
        "client-key.pem": _private(client_key),
    }


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
