"""Reads fields of a PEM certificate that gRPC does not report.

Parses only as much DER as needed. Lengths are checked against the data, and
nothing is allocated by them.
"""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

_SEQUENCE, _INTEGER, _VERSION, _EXTENSIONS, _OCTETS = 0x30, 0x02, 0xA0, 0xA3, 0x04
# Serial number, algorithm, issuer, validity and subject. A version may come first.
_FIRST_PARTS = (_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE, _SEQUENCE)
_ALTERNATIVE_NAMES = bytes.fromhex("0603551d11")
# An e-mail name, a DNS name and a URI name.
_TEXTS = (0x81, 0x82, 0x86)

# Number of year digits in a time: UTCTime and GeneralizedTime.
_YEAR_DIGITS = {0x17: 2, 0x18: 4}


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that decide a certificate's validity and its place in a chain."""

    issuer: bytes
    """Name of the issuer, in DER."""
    subject: bytes
    """Name of the holder, in DER."""
    not_before: float
    """Unix time from which it is valid."""
    not_after: float
    """Unix time until which it is valid."""


def read_fields(der: bytes) -> Fields:
    """Read the names and the validity of a certificate in DER.

    Raises:
        ValueError: It is not a certificate, or a time does not follow RFC 5280.
    """
    data, at, end = _signed_part_of(der)
    parts = []
    for tag, begin, after in _elements(data, at, end):
        if tag != _VERSION:
            parts.append((tag, begin, after))
        if len(parts) == len(_FIRST_PARTS):
            break
    if tuple(tag for tag, _, _ in parts) != _FIRST_PARTS:
        raise ValueError("the certificate does not follow X.509")
    issuer, validity, subject = parts[2:]
    times = [_read_time(tag, data[a:b]) for tag, a, b in _elements(data, *validity[1:])]
    if len(times) != 2:
        raise ValueError("the validity of the certificate does not have two times")
    return Fields(data[slice(*issuer[1:])], data[slice(*subject[1:])], times[0], times[1])


def _read_time(tag: int, text: bytes) -> float:
    """Unix time of a DER time, which must be in UTC and whole seconds."""
    count = _YEAR_DIGITS.get(tag)
    if count is None or len(text) != count + 11 or text[-1:] != b"Z" or not text[:-1].isdigit():
        raise ValueError("a time of the certificate does not follow RFC 5280")
    year = int(text[:count])
    if count == 2:
        year += 1900 if year >= 50 else 2000
    month, day, hour, minute, second = (int(text[i : i + 2]) for i in range(count, count + 10, 2))
    return datetime.datetime(
        year, month, day, hour, minute, second, tzinfo=datetime.UTC
    ).timestamp()


def serial_number(pem: bytes) -> int:
    """The serial number of a certificate.

    Raises:
        ValueError: It is not a certificate.
    """
    data, at, end = _signed_part(pem)
    if at < end and data[at] == _VERSION:
        _, at = _enter(data, at, end, _VERSION)
    at, end = _enter(data, at, end, _INTEGER)
    if at == end:
        raise ValueError("the serial number is empty")
    return int.from_bytes(data[at:end], "big", signed=True)


def has_nul_in_names(pem: bytes) -> bool:
    """Whether a subject alternative name of a certificate contains a NUL.

    gRPC cuts such a name at the NUL: it reports `admin` if the authority signed
    `admin\\0.example`.

    Raises:
        ValueError: It is not a certificate.
    """
    data, at, end = _signed_part(pem)
    for tag, begin, after in _elements(data, at, end):
        if tag != _EXTENSIONS:
            continue
        for _, one, last in _elements(data, *_enter(data, begin, after, _SEQUENCE)):
            if not data.startswith(_ALTERNATIVE_NAMES, one, last):
                continue
            # The extension's identifier, its critical flag, and the names.
            for kind, first, final in _elements(data, one, last):
                if kind == _OCTETS and any(
                    name in _TEXTS and 0 in data[here:there]
                    for name, here, there in _elements(data, *_enter(data, first, final, _SEQUENCE))
                ):
                    return True
    return False


def _signed_part(pem: bytes) -> tuple[bytes, int, int]:
    """A certificate in DER, and the begin and end of its signed part."""
    return _signed_part_of(ssl.PEM_cert_to_DER_cert(pem.decode("ascii").strip()))


def _signed_part_of(data: bytes) -> tuple[bytes, int, int]:
    at, end = _enter(data, 0, len(data), _SEQUENCE)
    return data, *_enter(data, at, end, _SEQUENCE)


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Tag, and begin and end of the contents, of each element between `at` and `end`."""
    while at < end:
        tag = data[at]
        begin, at = _enter(data, at, end, tag)
        yield tag, begin, at


def _enter(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Begin and end of the contents of the element at `at`."""
    if at + 2 > end or data[at] != tag:
        raise ValueError("the certificate does not follow X.509")
    size = data[at + 1]
    at += 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or at + count > end:
            raise ValueError("a length in the certificate does not follow DER")
        size = int.from_bytes(data[at : at + count], "big")
        at += count
    if at + size > end:
        raise ValueError("the certificate is truncated")
    return at, at + size
