"""When a certificate and its chain are valid: times in DER, and chains by names."""

from __future__ import annotations

import calendar
import contextlib
import datetime
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_service.config.model import Config
from ops_service.errors import CertificateOutOfDate, Unauthenticated
from ops_service.gate.authorization import Authorization
from ops_service.gate.principal import PROXY
from ops_service.tls.certificate import read_fields
from ops_service.tls.revocation import Revocation
from ops_service.tls.validity import Validities, wall_time

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
HOUR = datetime.timedelta(hours=1)
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18


def make(
    subject: str,
    issuer: str,
    begin: datetime.datetime = NOW - HOUR,
    end: datetime.datetime = NOW + HOUR,
) -> x509.Certificate:
    """A certificate with these names. These tests do not check signatures."""
    first, second = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (subject, issuer)
    )
    return (
        x509.CertificateBuilder()
        .subject_name(first)
        .issuer_name(second)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .sign(KEY, hashes.SHA256())
    )


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


# ---- times in DER --------------------------------------------------------------------


@pytest.mark.parametrize("year", [1950, 1970, 1999, 2000, 2026, 2049, 2050, 2051, 9999])
def test_it_agrees_with_cryptography(year: int) -> None:
    begin = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)
    end = datetime.datetime(year, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
    certificate = make("leaf", "root", begin, end)
    found = read_fields(certificate.public_bytes(Encoding.DER))
    assert found.not_before == certificate.not_valid_before_utc.timestamp()
    assert found.not_after == certificate.not_valid_after_utc.timestamp()
    assert found.subject == certificate.subject.public_bytes()[2:]
    assert found.issuer == certificate.issuer.public_bytes()[2:]
    assert read_fields(certificate.public_bytes(Encoding.DER) + b"more") == found


def element(tag: int, content: bytes) -> bytes:
    length = len(content)
    head = bytes((length,)) if length < 128 else b"\x82" + length.to_bytes(2, "big")
    return bytes((tag,)) + head + content


def with_times(*times: tuple[int, bytes], version: bool = True) -> bytes:
    """The part of a certificate's DER that contains these times."""
    name = element(0x30, b"")
    validity = element(0x30, b"".join(element(*each) for each in times))
    parts = [element(0x02, b"\x01"), name, name, validity, name]
    if version:
        parts.insert(0, element(0xA0, element(0x02, b"\x02")))
    return element(0x30, element(0x30, b"".join(parts)))


BEGIN = (UTC_TIME, b"200101000000Z")
TIMES = {
    (UTC_TIME, b"491231235959Z"): (2049, 12, 31, 23, 59, 59),
    (UTC_TIME, b"500101000000Z"): (1950, 1, 1, 0, 0, 0),
    (GENERALIZED_TIME, b"20500101000000Z"): (2050, 1, 1, 0, 0, 0),
    # RFC 5280's time for a certificate without a known end.
    (GENERALIZED_TIME, b"99991231235959Z"): (9999, 12, 31, 23, 59, 59),
    (GENERALIZED_TIME, b"20240229120000Z"): (2024, 2, 29, 12, 0, 0),
}


@pytest.mark.parametrize("version", [True, False])
@pytest.mark.parametrize("text", TIMES)
def test_times(text: tuple[int, bytes], version: bool) -> None:
    found = read_fields(with_times(BEGIN, text, version=version))
    assert found.not_after == calendar.timegm(TIMES[text])


@pytest.mark.parametrize(
    "text",
    [
        (UTC_TIME, b""),
        (UTC_TIME, b"Z"),
        (UTC_TIME, b"2601010000Z"),
        (UTC_TIME, b"260101000000"),
        (UTC_TIME, b"260101000000z"),
        (UTC_TIME, b"260101000000+0000"),
        (UTC_TIME, b"20260101000000Z"),
        (UTC_TIME, b"2601010000 1Z"),
        (UTC_TIME, b"-60101000000Z"),
        (UTC_TIME, "26010100000²Z".encode()),
        (UTC_TIME, b"261301000000Z"),
        (UTC_TIME, b"260230000000Z"),
        (UTC_TIME, b"260101240000Z"),
        (UTC_TIME, b"260101006000Z"),
        (UTC_TIME, b"260101000060Z"),
        (GENERALIZED_TIME, b"260101000000Z"),
        (GENERALIZED_TIME, b"00000101000000Z"),
        (GENERALIZED_TIME, b"20260101000000.5Z"),
        (GENERALIZED_TIME, b"20260101000000"),
        (GENERALIZED_TIME, b"202601010000Z"),
        (0x02, b"\x01"),
        (0x30, b""),
    ],
)
def test_malformed_times(text: tuple[int, bytes]) -> None:
    for times in ((BEGIN, text), (text, BEGIN)):
        with pytest.raises(ValueError, match=r"."):
            read_fields(with_times(*times))


def test_other_than_two_times() -> None:
    for times in ((), (BEGIN,), (BEGIN, BEGIN, BEGIN)):
        with pytest.raises(ValueError, match="does not have two times"):
            read_fields(with_times(*times))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_what_is_no_certificate(der: bytes) -> None:
    with contextlib.suppress(ValueError):
        read_fields(der)


@settings(deadline=None)
@given(st.data())
def test_certificates_that_were_damaged(data: st.DataObject) -> None:
    der = bytearray(_SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, 180))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        read_fields(bytes(der[: data.draw(st.integers(0, len(der)))]))


_SAMPLE = make("leaf", "root").public_bytes(Encoding.DER)

# ---- by the clock ----------------------------------------------------------------------


def problem(
    bundle: bytes, leaf: bytes, *chain: bytes, moment: datetime.datetime | float = NOW
) -> str:
    now = moment.timestamp() if isinstance(moment, datetime.datetime) else moment
    return Validities(bundle).read(leaf, chain).problem(now)


def test_a_clock_that_is_set() -> None:
    found = Validities(pem(make("root", "root"))).read(pem(make("leaf", "root")), [])
    begin, end = (NOW - HOUR).timestamp(), (NOW + HOUR).timestamp()
    # Back and forth: earlier answers are not remembered.
    for _ in range(2):
        assert found.problem(begin) == found.problem(NOW.timestamp()) == found.problem(end) == ""
        assert found.problem(end + 0.5).startswith(
            f"The certificate expired at {NOW + HOUR:%F %T}Z"
        )
        assert "is not valid before" in found.problem(begin - 0.5)
        assert found.problem(0.0).endswith("it is 1970-01-01 00:00:00Z here.")
        assert found.problem(1e12)


def test_the_clock_is_the_systems() -> None:
    assert abs(wall_time() - time.time()) < 1


def test_what_stands_between() -> None:
    root, leaf = pem(make("root", "root")), pem(make("leaf", "between"))
    good = make("between", "root", end=NOW + 3 * HOUR)
    short = make("between", "root", end=NOW - HOUR / 2)
    assert problem(root, leaf, pem(good)) == ""
    words = "A certificate between the caller's and its authority expired"
    assert problem(root, leaf, pem(short)).startswith(words)
    # A forged certificate of the same name does not help, in either order.
    assert problem(root, leaf, pem(short, good)).startswith(words)
    assert problem(root, leaf, pem(good), pem(short)).startswith(words)
    # One further up.
    upper = make("upper", "root", end=NOW - HOUR / 2)
    assert problem(root, leaf, pem(make("between", "upper"), upper)).startswith(words)
    # Others do not matter: an older root, or a certificate from another chain.
    old = make("root", "root", end=NOW - HOUR / 2)
    assert problem(root, leaf, pem(good, old, make("other", "x", end=NOW - HOUR / 2))) == ""
    # Two that name each other do not make an endless loop.
    assert problem(root, leaf, pem(make("between", "upper"), make("upper", "between"))) == ""
    # If the names do not match, every presented certificate must be valid.
    assert problem(root, pem(make("leaf", "BETWEEN")), pem(good, short)).startswith(words)


def test_authorities() -> None:
    leaf = pem(make("leaf", "root", end=NOW + 5 * HOUR))
    old, new = make("root", "root"), make("root", "root", NOW + HOUR / 2, NOW + 3 * HOUR)
    words = "The authority of the certificate "
    assert problem(pem(old), leaf) == ""
    assert problem(pem(old), leaf, moment=NOW + 2 * HOUR).startswith(words + "expired at")
    # One authority of the name must be valid. Which one depends on the time.
    for hours in (0, 0.75, 2):
        assert problem(pem(old, new), leaf, moment=NOW + hours * HOUR) == ""
    assert problem(pem(new), leaf).startswith(words + "is not valid before")
    assert problem(pem(old, new), leaf, moment=NOW + 4 * HOUR).startswith(words)
    # The bundle may contain the certificate itself, under any label.
    pinned = make("leaf", "nobody")
    assert problem(pem(pinned), pem(pinned)) == ""
    assert problem(pem(pinned), pem(pinned), moment=NOW + 2 * HOUR)
    for label in (b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"):
        bundle = pem(old).replace(b"CERTIFICATE", label)
        assert problem(bundle, leaf, moment=NOW + 2 * HOUR).startswith(words)
    # An authority that cannot be read does not count.
    assert problem(pem(old) + pem(new).replace(b"MII", b"AAA"), leaf) == ""


def test_what_is_kept_is_bounded() -> None:
    validities = Validities()
    leaf = pem(make("leaf", "root"))
    kept = validities.read(leaf, [])
    assert validities.read(leaf, []) is kept
    for number in range(2500):
        # White space before a certificate makes it another text.
        validities.read(leaf, [b" " * number + leaf])
    assert len(validities._known) <= 1000
    assert all(len(key) == 32 for key in validities._known)


def test_a_second_look_is_cheap() -> None:
    validities, certificate = Validities(), pem(make("leaf", "root"))
    validities.read(certificate, [certificate])
    begin = time.perf_counter()
    for _ in range(1000):
        validities.read(certificate, [certificate]).problem(wall_time())
    # It takes a few microseconds. The bound is for a busy machine.
    assert time.perf_counter() - begin < 0.5


# ---- what gRPC shows -------------------------------------------------------------------


def refusal(validities: Validities | None = None, **shown: list[bytes]) -> Exception | None:
    """The error that refuses a call, given what gRPC or a proxy shows of the caller."""
    authorization = Authorization(Config(grants=()), Revocation(), validities=validities)
    try:
        authorization.identify(shown)
        authorization.refuse_outdated(shown)
    except (Unauthenticated, CertificateOutOfDate) as error:
        return error
    return None


def test_a_certificate_that_is_not_shown_is_refused() -> None:
    assert isinstance(refusal(), Unauthenticated)
    assert isinstance(refusal(x509_pem_cert=[]), Unauthenticated)
    assert isinstance(refusal(x509_pem_cert=[b""]), Unauthenticated)
    # A proxy need not pass the certificate on.
    assert refusal(x509_pem_cert=[b""], **{PROXY: [b"p"]}) is None


def test_a_chain_that_a_resumed_session_does_not_show_is_refused() -> None:
    validities = Validities(pem(make("root", "root")))
    leaf, between = pem(make("leaf", "between")), pem(make("between", "root"))
    resumed = [b"true"]
    error = refusal(validities, x509_pem_cert=[leaf], ssl_session_reused=resumed)
    assert isinstance(error, Unauthenticated)
    assert "in a full handshake" in str(error)
    shown = {"x509_pem_cert": [leaf], "x509_pem_cert_chain": [between]}
    assert refusal(validities, **shown, ssl_session_reused=resumed) is None
    direct = [pem(make("leaf", "root"))]
    assert refusal(validities, x509_pem_cert=direct, ssl_session_reused=resumed) is None
    # The full handshake has already checked that it chains to an authority.
    assert refusal(validities, x509_pem_cert=[leaf], ssl_session_reused=[b"false"]) is None


@pytest.mark.parametrize(
    "data", [b"junk", b"\xff", b"-----BEGIN CERTIFICATE-----\n", pem(make("a", "b")) * 2]
)
def test_a_certificate_that_cannot_be_read_is_refused(data: bytes) -> None:
    for context in ({}, {PROXY: [b"p"]}):
        error = refusal(x509_pem_cert=[data], **context)
        assert isinstance(error, Unauthenticated)
        assert "cannot be read" in str(error)
