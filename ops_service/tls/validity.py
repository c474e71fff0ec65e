"""Checks that a caller's certificate is valid by the clock, whatever its handshake was.

gRPC checks the clock only in a full handshake. A resumed TLS session and an open
connection outlive the certificate. So the gate checks at each call, and once a second
for the calls under way.

Intermediate certificates may stand between a caller's certificate and an authority, and
each must be valid. This file finds them by name, without the package cryptography: the
handshake has verified the signatures. Any certificate with the right name counts as an
intermediate, since a forged one cannot be distinguished from the one that the handshake used.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from ops_service.tls.certificate import Fields, read_fields

_PEM = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([^-]+)-----END")

# Bound on cached results, one for each chain of certificates that was presented.
_MOST = 1000

# Bound at import, and not time.time: tools that freeze an application's clock in tests
# replace time.time in every module that holds it. They do not replace Linux's
# CLOCK_REALTIME_COARSE. Its precision is one tick of the kernel: 10 ms at most.
_read_clock = time.clock_gettime
_WALL_TIME = 5 if sys.platform == "linux" else time.CLOCK_REALTIME


def wall_time() -> float:
    """Unix time of the system's clock."""
    return _read_clock(_WALL_TIME)


@dataclass(frozen=True, slots=True)
class _Step:
    """Alternative certificates, of which one must be valid."""

    what: str
    alternatives: tuple[Fields, ...]

    def problem(self, now: float) -> str:
        if any(each.not_before <= now <= each.not_after for each in self.alternatives):
            return ""
        later = [each.not_before for each in self.alternatives if each.not_before > now]
        if later:
            return f"{self.what} is not valid before {_text(min(later))}; it is {_text(now)} here."
        return f"{self.what} expired at {_text(max(e.not_after for e in self.alternatives))}."


@dataclass(frozen=True, slots=True)
class Validity:
    """The validity of a caller's certificate and of all certificates that it depends on."""

    steps: tuple[_Step, ...]
    complete: bool
    """Whether the issuer of the caller's certificate is known. False if its intermediates
    were not presented, or if gRPC does not show them."""

    def problem(self, now: float) -> str:
        """What is not valid at this Unix time, and why. Empty if everything is valid."""
        return next((found for step in self.steps if (found := step.problem(now))), "")


class Validities:
    """Reads validities, for a bundle of authorities. Used only on the loop, without locks."""

    def __init__(self, bundle: bytes = b"") -> None:
        """
        Args:
            bundle: The authorities, in PEM. Empty if only a proxy knows them.
        """
        self._pinned = frozenset(_split(bundle))
        self._authorities: dict[bytes, tuple[Fields, ...]] = {}
        for der in self._pinned:
            # Ignore an unreadable authority here; gRPC decides on its own.
            with contextlib.suppress(ValueError):
                found = read_fields(der)
                same = self._authorities.get(found.subject, ())
                self._authorities[found.subject] = (*same, found)
        self._known: dict[bytes, Validity] = {}

    def read(self, certificate: bytes, chain: Iterable[bytes]) -> Validity:
        """Read a caller's certificates. A cached result costs some microseconds.

        Args:
            certificate: The caller's own, in PEM. Empty if a proxy does not pass it on.
            chain: The other certificates that the caller presented, in PEM.

        Raises:
            ValueError: One of them cannot be read.
        """
        presented = (certificate, *chain)
        # A digest, since a caller can present many kilobytes of certificates.
        digest = hashlib.sha256()
        for each in presented:
            digest.update(len(each).to_bytes(8, "big") + each)
        key = digest.digest()
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[key] = self._read(certificate, presented[1:])
        return found

    def _read(self, certificate: bytes, chain: tuple[bytes, ...]) -> Validity:
        others = [read_fields(der) for pem in chain for der in _split(pem)]
        if not certificate:
            return Validity(tuple(_between(each) for each in others), complete=bool(others))
        own = _split(certificate)
        if len(own) != 1:
            raise ValueError("it is not one certificate in PEM")
        leaf = read_fields(own[0])
        steps = [_Step("The certificate", (leaf,))]
        if own[0] in self._pinned:
            return Validity(tuple(steps), complete=True)
        complete = leaf.issuer in self._authorities or any(
            each.subject == leaf.issuer for each in others
        )
        reached = [leaf]
        for each in reached:
            if authorities := self._authorities.get(each.issuer):
                steps.append(_Step("The authority of the certificate", authorities))
                continue
            # A name can have two encodings, which this comparison does not recognise.
            named = [other for other in others if other.subject == each.issuer] or others
            reached += [other for other in named if other not in reached]
        return Validity((*steps, *map(_between, reached[1:])), complete)


def _between(found: Fields) -> _Step:
    return _Step("A certificate between the caller's and its authority", (found,))


def _split(pem: bytes) -> list[bytes]:
    """Certificates in PEM, each in DER.

    Raises:
        ValueError: The text is not empty and contains no certificate.
    """
    found = [base64.b64decode(body) for body in _PEM.findall(pem)]
    if pem and not found:
        raise ValueError("it is not in PEM")
    return found


def _text(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(moment))
