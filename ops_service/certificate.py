"""Reads what gRPC does not tell out of a certificate, which it hands over as PEM.

Only as much of DER as leads to it: lengths are checked against what is there,
and nothing is allocated by them.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

_SEQUENCE, _INTEGER, _VERSION, _EXTENSIONS, _OCTETS = 0x30, 0x02, 0xA0, 0xA3, 0x04
_ALTERNATIVE_NAMES = bytes.fromhex("0603551d11")
# An e-mail name, a DNS name and a URI name.
_TEXTS = (0x81, 0x82, 0x86)


def serial_number(pem: bytes) -> int:
    """The serial number of a certificate.

    Raises:
        ValueError: It is no certificate.
    """
    data, at, end = _signed_part(pem)
    if at < end and data[at] == _VERSION:
        _, at = _enter(data, at, end, _VERSION)
    at, end = _enter(data, at, end, _INTEGER)
    if at == end:
        raise ValueError("the serial number is empty")
    return int.from_bytes(data[at:end], "big", signed=True)


def has_nul_in_names(pem: bytes) -> bool:
    """Whether a subject alternative name of a certificate holds a NUL.

    gRPC tells of such a name up to the NUL alone: `admin`, where the authority signed
    `admin\\0.example`.

    Raises:
        ValueError: It is no certificate.
    """
    data, at, end = _signed_part(pem)
    for tag, begin, after in _elements(data, at, end):
        if tag != _EXTENSIONS:
            continue
        for _, one, last in _elements(data, *_enter(data, begin, after, _SEQUENCE)):
            if not data.startswith(_ALTERNATIVE_NAMES, one, last):
                continue
            # Its identifier, whether it is critical, and the names.
            for kind, first, final in _elements(data, one, last):
                if kind == _OCTETS and any(
                    name in _TEXTS and 0 in data[here:there]
                    for name, here, there in _elements(data, *_enter(data, first, final, _SEQUENCE))
                ):
                    return True
    return False


def _signed_part(pem: bytes) -> tuple[bytes, int, int]:
    """A certificate in DER, and begin and end of what was signed of it."""
    data = ssl.PEM_cert_to_DER_cert(pem.decode("ascii").strip())
    at, end = _enter(data, 0, len(data), _SEQUENCE)
    return data, *_enter(data, at, end, _SEQUENCE)


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Tag, begin and end of the contents of each element in between."""
    while at < end:
        tag = data[at]
        begin, at = _enter(data, at, end, tag)
        yield tag, begin, at


def _enter(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Begin and end of the contents of the element that begins here."""
    if at + 2 > end or data[at] != tag:
        raise ValueError("the certificate is not as X.509 says")
    size = data[at + 1]
    at += 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or at + count > end:
            raise ValueError("a length in the certificate is not as DER says")
        size = int.from_bytes(data[at : at + count], "big")
        at += count
    if at + size > end:
        raise ValueError("the certificate is cut")
    return at, at + size
