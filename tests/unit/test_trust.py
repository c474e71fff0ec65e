"""Whether a certificate chains to an authority of a bundle."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ops_service.tls.authorities import authorities, load_trust

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@dataclass
class Made:
    """A certificate and its key."""

    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def make(name: str, issuer: Made | None = None, *, ca: bool = True, kind: str = "ec") -> Made:
    key = {
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer is not None else key
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    return Made(key, certificate)


def holds(bundle: list[Made], leaf: Made, *chain: Made) -> bool:
    trust = load_trust(b"".join(each.pem for each in bundle))
    assert trust is not None
    first = trust.holds(leaf.pem, [each.pem for each in chain])
    assert trust.holds(leaf.pem, [each.pem for each in chain]) is first
    # As gRPC reports it: in one piece, with the caller's certificate included.
    whole = b"".join(each.pem for each in (leaf, *chain))
    assert trust.holds(leaf.pem, [whole]) is first
    return first


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
def test_authorities_and_those_between(kind: str) -> None:
    root, stranger = make("root", kind=kind), make("root", kind=kind)
    between = make("between", root, kind=kind)
    leaf, direct = make("leaf", between, ca=False), make("leaf", root, ca=False)
    assert holds([root], direct)
    assert holds([stranger, root], direct)
    # The same name with another key is another authority.
    assert not holds([stranger], direct)
    assert holds([root], leaf, between)
    assert not holds([stranger], leaf, between)
    # Without the intermediate certificate, or with the wrong one.
    assert not holds([root], leaf)
    assert not holds([root], leaf, make("between", stranger))
    # An authority need not be a root, and the bundle may contain a certificate itself.
    assert holds([between], leaf)
    assert holds([leaf], leaf)


def test_who_may_not_issue() -> None:
    root = make("root")
    somebody = make("somebody", root, ca=False)
    assert holds([root], somebody)
    assert not holds([root], make("forged", somebody, ca=False), somebody)


def test_a_circle_ends() -> None:
    # Two authorities that signed each other.
    one, two = make("one"), make("two")
    crossed = [
        Made(one.key, make_again(one, two)),
        Made(two.key, make_again(two, one)),
    ]
    assert not holds([make("root")], make("leaf", one, ca=False), *crossed)
    assert holds([two], make("leaf", one, ca=False), *crossed)


def make_again(of: Made, by: Made) -> x509.Certificate:
    """The same key and name, issued by another authority."""
    return (
        x509.CertificateBuilder()
        .subject_name(of.certificate.subject)
        .issuer_name(by.certificate.subject)
        .public_key(of.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(by.key, hashes.SHA256())
    )


def test_what_is_no_certificate() -> None:
    root = make("root")
    trust = load_trust(root.pem)
    assert trust is not None
    assert not trust.holds(b"junk", [])
    assert trust.holds(make("leaf", root, ca=False).pem, [b"\xff", root.pem[:-40]])
    assert load_trust(b"junk") is None


def test_which_authorities_a_bundle_holds() -> None:
    one, two = make("one"), make("two")
    bundle = b"# a remark\n" + one.pem.replace(b"\n", b"\r\n") + b"\n" + two.pem
    assert authorities(bundle) == authorities(two.pem + one.pem)
    assert authorities(one.pem) < authorities(bundle)
    assert authorities(b"") == frozenset()
