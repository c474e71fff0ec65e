"""The serial number of a certificate, read by our own few lines of DER."""

from __future__ import annotations

import base64
import contextlib

import pytest
from cryptography import x509
from fix_certs import CertificateAuthority, dns, email, ip, uri
from hypothesis import given
from hypothesis import strategies as st

from ops_service.tls.certificate import has_nul_in_names, serial_number


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


def test_names_that_hold_a_nul(authority: CertificateAuthority) -> None:
    for number, (names, expected) in enumerate(
        (
            ([], False),
            ([dns("a.test.example"), ip("0.0.0.0"), uri("spiffe://test.example/a")], False),
            ([dns("a.test.example"), dns("b.test.example\0.c")], True),
            ([uri("spiffe://test.example/a\0")], True),
            ([email("a\0@test.example")], True),
        )
    ):
        identity = authority.issue(f"names{number}", *names)
        assert has_nul_in_names(identity.certificate.read_bytes()) is expected


@given(st.binary(max_size=300))
def test_what_is_no_certificate(der: bytes) -> None:
    for read in (serial_number, has_nul_in_names):
        with contextlib.suppress(ValueError):
            read(pem(der))


@given(st.data())
def test_certificates_that_were_damaged(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    der = bytearray(_sample(tmp_path_factory))
    for _ in range(data.draw(st.integers(1, 4))):
        # Near the beginning, where the serial number is, and after it, where names are.
        last = data.draw(st.sampled_from((40, len(der) - 1)))
        der[data.draw(st.integers(0, last))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(der)))
    for read in (serial_number, has_nul_in_names):
        with contextlib.suppress(ValueError):
            read(pem(bytes(der[:cut])))


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
