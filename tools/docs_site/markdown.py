"""Small pieces of Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence


def cell(text: str) -> str:
    """Text for one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing where there are no rows."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    if not lines:
        return ""
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*head, *lines]) + "\n"


def prose(docstring: str | None) -> str:
    """A docstring as Markdown: double backticks become single ones."""
    return inspect.cleandoc(docstring or "").replace("``", "`")


def code(text: str) -> str:
    """Text set as code."""
    return f"`{text}`" if text else ""


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def labelled(docstring: str | None, label: str) -> str:
    """The paragraph of a docstring that begins with a label, without it; "" if none does."""
    for paragraph in prose(docstring).split("\n\n"):
        if paragraph.startswith(f"{label}: "):
            text = " ".join(paragraph.removeprefix(f"{label}: ").split())
            return text[:1].upper() + text[1:]
    return ""


def sentence(docstring: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(prose(docstring).partition("\n\n")[0].split())
