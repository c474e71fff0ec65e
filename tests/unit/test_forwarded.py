"""The header x-forwarded-client-cert: hostile callers in front of an honest proxy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_service.config.model import MeshConfig
from ops_service.errors import Unauthenticated
from ops_service.gate.xfcc import HEADER, read_forwarded_peer

PROXY = "spiffe://test.example/proxy"
read = read_forwarded_peer(MeshConfig(enabled=True, proxies=(PROXY,)))

# What callers would try, mixed with everything that a header may contain.
PIECES = ["By=", f"By={PROXY}", "Hash=ab", "URI=", "URI=spiffe://test.example/admin", "Subject="]
hostile = st.lists(
    st.sampled_from([*PIECES, '"', "\\", ",", ";", "=", " "])
    | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8),
    max_size=12,
).map("".join)
# How Envoy writes a certificate's fields: in quotes, with inner quotes escaped.
subject = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12).map(
    lambda text: "CN=" + text.replace("\\", "\\\\").replace('"', '\\"')
)


class Context:
    """A call with these headers."""

    def __init__(self, *headers: str | bytes) -> None:
        self._headers = headers

    def invocation_metadata(self) -> list[tuple[str, Any]]:
        return [("user-agent", "x"), *((HEADER, each) for each in self._headers)]


@given(forged=hostile, subject=subject)
def test_what_a_caller_wrote_before_the_proxy_never_counts(forged: str, subject: str) -> None:
    own = f'By={PROXY};Hash=cd;Subject="{subject}";URI=spiffe://test.example/me'
    try:
        found = read(Context(f"{forged},{own}"))
    except Unauthenticated:
        return
    assert found["peer_uri"] == [b"spiffe://test.example/me"]
    assert found["peer_dns"] == []


@given(text=hostile)
def test_no_text_does_harm(text: str) -> None:
    try:
        found = read(Context(text))
    except Unauthenticated:
        return
    assert found["proxy"] == [PROXY.encode()] * len(found["proxy"])


@pytest.mark.parametrize("header", [b"\xff", "URI=é", "URI=\x7f", "URI=a\tb", "URI=a\x00b"])
def test_characters_that_do_not_belong_there(header: str | bytes) -> None:
    with pytest.raises(Unauthenticated, match="characters that are not allowed"):
        read(Context(header))


def test_a_long_header_takes_no_longer_than_it_is() -> None:
    # The longest metadata that can be configured. A backtracking regular expression would
    # not end.
    for text in ('Subject="' + "\\a" * 32_000, "a=" * 32_000, ";" * 64_000, '"' * 64_000):
        with pytest.raises(Unauthenticated):
            read(Context(text))
