"""Whether a caller's certificate is valid by the clock, whatever its handshake was.

gRPC looks at the clock in a full handshake alone. A resumed TLS session and an open
connection outlive the certificate. So the gate looks at each call, and once a second at
the calls under way.

Between a caller's certificate and an authority may stand others, and each must be
valid. Which they are is decided by names, without the package cryptography: the
handshake has verified the signatures. What has the right name counts as standing there,
since nothing tells a forged certificate from the one that the handshake used.
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

# As many results as are kept, one for each chain of certificates that was presented.
_MOST = 1000

# Bound at import, and not time.time: what freezes an application's clock in tests replaces
# that in every module that holds it. It leaves Linux's CLOCK_REALTIME_COARSE alone, which
# is as exact as a tick of the kernel: 10 ms at most.
_read_clock = time.clock_gettime
_WALL_TIME = 5 if sys.platform == "linux" else time.CLOCK_REALTIME


def wall_time() -> float:
    """Unix time by the clock of the system."""
    return _read_clock(_WALL_TIME)


@dataclass(frozen=True, slots=True)
class _Step:
    """Certificates of which one must be valid."""

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
    """When a caller's certificate, and all that it rests on, is valid."""

    steps: tuple[_Step, ...]
    complete: bool
    """Whether the issuer of the caller's certificate is known. False where those between
    it and an authority were not presented, or not shown by gRPC."""

    def problem(self, now: float) -> str:
        """What is not valid at this Unix time, and why. Empty if all of it is."""
        return next((found for step in self.steps if (found := step.problem(now))), "")


class Validities:
    """Reads validities, for a bundle of authorities. Used on the loop alone, without locks."""

    def __init__(self, bundle: bytes = b"") -> None:
        """
        Args:
            bundle: The authorities, in PEM. Empty where a proxy knows them.
        """
        self._pinned = frozenset(_split(bundle))
        self._authorities: dict[bytes, tuple[Fields, ...]] = {}
        for der in self._pinned:
            # One that cannot be read is no authority here; gRPC decides by itself.
            with contextlib.suppress(ValueError):
                found = read_fields(der)
                same = self._authorities.get(found.subject, ())
                self._authorities[found.subject] = (*same, found)
        self._known: dict[bytes, Validity] = {}

    def read(self, certificate: bytes, chain: Iterable[bytes]) -> Validity:
        """Read a caller's certificates, which costs some microseconds the second time.

        Args:
            certificate: The caller's own, in PEM. Empty where a proxy does not hand it on.
            chain: What the caller presented beside it, in PEM.

        Raises:
            ValueError: One of them cannot be read.
        """
        presented = (certificate, *chain)
        # Not the certificates themselves: a caller can present many kilobytes of them.
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
            # Names may be spelled in two ways, which this does not see through.
            named = [other for other in others if other.subject == each.issuer] or others
            reached += [other for other in named if other not in reached]
        return Validity((*steps, *map(_between, reached[1:])), complete)


def _between(found: Fields) -> _Step:
    return _Step("A certificate between the caller's and its authority", (found,))


def _split(pem: bytes) -> list[bytes]:
    """Certificates in PEM, each in DER.

    Raises:
        ValueError: There is something, and no certificate in it.
    """
    found = [base64.b64decode(body) for body in _PEM.findall(pem)]
    if pem and not found:
        raise ValueError("it is not in PEM")
    return found


def _text(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(moment))
