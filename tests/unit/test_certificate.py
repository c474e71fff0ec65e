"""The serial number of a certificate, read by a few lines of DER of our own."""

from __future__ import annotations

import base64
import contextlib

import pytest
from cryptography import x509
from fix_certs import CertificateAuthority, dns
from hypothesis import given
from hypothesis import strategies as st

from ops_service.certificate import serial_number


def pem(der: bytes) -> bytes:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n".encode()


def test_it_agrees_with_cryptography(authority: CertificateAuthority) -> None:
    for number in range(20):
        identity = authority.issue(f"serial{number}", dns("a.test.example"))
        data = identity.certificate.read_bytes()
        assert serial_number(data) == x509.load_pem_x509_certificate(data).serial_number
    data = authority.certificate.read_bytes()
    assert serial_number(data) == x509.load_pem_x509_certificate(data).serial_number


@given(st.binary(max_size=300))
def test_what_is_no_certificate(der: bytes) -> None:
    with contextlib.suppress(ValueError):
        serial_number(pem(der))


@given(st.data())
def test_certificates_that_were_damaged(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    der = bytearray(_sample(tmp_path_factory))
    for _ in range(data.draw(st.integers(1, 4))):
        # Near the beginning, where what is read lies.
        der[data.draw(st.integers(0, 40))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(der)))
    with contextlib.suppress(ValueError):
        serial_number(pem(bytes(der[:cut])))


_known: list[bytes] = []


def _sample(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if not _known:
        authority = CertificateAuthority(tmp_path_factory.mktemp("damaged"))
        loaded = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
        from cryptography.hazmat.primitives.serialization import Encoding

        _known.append(loaded.public_bytes(Encoding.DER))
    return _known[0]


@pytest.mark.parametrize("data", [b"", b"junk", b"\xff", b"-----BEGIN CERTIFICATE-----\n"])
def test_what_is_no_pem(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        serial_number(data)
