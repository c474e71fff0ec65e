"""Reads the serial number out of a certificate, which gRPC hands over as PEM.

Only as much of DER as leads to it: lengths are checked against what is there,
and nothing is allocated by them.
"""

from __future__ import annotations

import ssl

_SEQUENCE, _INTEGER, _VERSION = 0x30, 0x02, 0xA0


def serial_number(pem: bytes) -> int:
    """The serial number of a certificate.

    Raises:
        ValueError: It is no certificate.
    """
    data = ssl.PEM_cert_to_DER_cert(pem.decode("ascii").strip())
    at, end = _enter(data, 0, len(data), _SEQUENCE)
    at, end = _enter(data, at, end, _SEQUENCE)
    if at < end and data[at] == _VERSION:
        _, at = _enter(data, at, end, _VERSION)
    at, end = _enter(data, at, end, _INTEGER)
    if at == end:
        raise ValueError("the serial number is empty")
    return int.from_bytes(data[at:end], "big", signed=True)


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
