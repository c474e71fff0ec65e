"""An unbounded cache on a method."""

import functools

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="lru_unbounded.Page",
    also=[],
    holder="lru_unbounded.Page.render",
    holder_hints=["render", "lru_cache"],
)
REQUIREMENTS = []


class Page:
    @functools.lru_cache(maxsize=None)  # noqa: B019, UP033
    def render(self, language: str) -> str:
        return language * 3


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    Page().render("en")
