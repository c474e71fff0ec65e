"""The built pages of the site, parsed for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

HTML = Path(__file__).resolve().parents[1] / ".cache/docs/html"


@dataclass
class Page:
    """What a page shows, and its links."""

    text: str = ""
    code: set[str] = field(default_factory=set)
    """Each piece of code, and each heading."""
    ids: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    """What a browser fetches by itself: scripts, styles, pictures."""
    rows: list[list[str]] = field(default_factory=list)
    """The cells of each row of its tables."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._open: list[str] = []
        self._piece = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.page.ids.add(str(given["id"]))
        if tag == "a" and given.get("href"):
            self.page.links.add(str(given["href"]))
        if tag in ("script", "img", "iframe", "link"):
            self.page.loads.add(str(given.get("src") or given.get("href") or ""))
        if tag == "tr":
            self.page.rows.append([])
        if tag in ("td", "th"):
            self.page.rows[-1].append("")
        if tag in ("code", "h1", "h2", "h3", "td"):
            self._open.append(tag)
            self._piece = ""

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag == self._open[-1]:
            self._open.pop()
            self.page.code.add(self._piece.strip().removesuffix("¶"))

    def handle_data(self, data: str) -> None:
        self.page.text += data
        self._piece += data
        if self.page.rows and "td" in self._open:
            self.page.rows[-1][-1] += data


@cache
def read_page(name: str) -> Page:
    """A page by its place in the site, such as ``reference/calls``."""
    path = HTML / f"{name}.html"
    assert path.exists(), f"{path} is not there; run make docs"
    reader = _Reader()
    reader.feed(path.read_text())
    return reader.page
