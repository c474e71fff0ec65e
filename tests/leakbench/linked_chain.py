"""Linked nodes without a container."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="linked_chain.Link",
    also=[],
    holder="linked_chain.HEAD",
    holder_hints=["HEAD", "following"],
)
REQUIREMENTS = []


class Link:
    def __init__(self, following) -> None:
        self.following = following


HEAD = None


def setup() -> None:
    return None


def step(i: int) -> None:
    global HEAD
    work(i)
    HEAD = Link(HEAD)
