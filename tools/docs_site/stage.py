"""The site's source: the pages of docs/ with their generated parts, and the files they link to.

A page links to files of the repository as one reads it there. In the site each such file
is a page of its own, below ``files/``, so that a link works in both places and leads
nowhere outside. A file that is not there ends the build.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from docs_site import calls, commands, configuration, errors, python_names

ROOT = Path(__file__).resolve().parents[2]
DOCS = PurePosixPath("docs")

# What a page asks for by <!-- generated: NAME -->.
PARTS: dict[str, Callable[[], str]] = {
    "calls": calls.calls,
    "client-names": python_names.client_names,
    "commands": commands.commands,
    "configuration": configuration.configuration,
    "connection-options": commands.connection_options,
    "errors": errors.error_reference,
    "exit-codes": errors.exit_codes,
    "host-names": python_names.host_names,
    "messages": calls.messages,
}

_LEXERS = {
    ".c": "c",
    ".h": "c",
    ".json": "json",
    ".proto": "protobuf",
    ".py": "python",
    ".sh": "sh",
    ".toml": "toml",
    ".yaml": "yaml",
}
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")
_MARK = re.compile(r"^<!-- generated: ([a-z-]+) -->$", re.MULTILINE)
_ORPHAN = "---\norphan: true\n---\n\n"


class Missing(Exception):
    """A page links to a file that is not there, or asks for a part that nobody makes."""


def tracked(under: str = "") -> list[str]:
    """The files that git knows below a directory of the repository."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", under or "."],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(name for name in listing.split("\0")[:-1] if (ROOT / name).is_file())


class Stage:
    """Pages of the site by their place in it, made from files of the repository."""

    def __init__(self) -> None:
        self.pages: dict[PurePosixPath, str] = {}
        self._linked: set[PurePosixPath] = set()

    def add_documentation(self) -> None:
        """Add every page of docs/, and the files that they lead to."""
        for name in tracked(f"{DOCS}"):
            self._add_markdown(PurePosixPath(name))
        front = PurePosixPath("index.md")
        listed = self._contents(front, self.pages[front])
        for place in [each for each in self.pages if each.name == "index.md" and each != front]:
            self._append_children(place, listed)

    def write(self, directory: Path) -> None:
        """Write all pages; leave files that have not changed as they are."""
        for place, text in self.pages.items():
            path = directory / place
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
        for path in directory.rglob("*.md"):
            if PurePosixPath(path.relative_to(directory)) not in self.pages:
                path.unlink()

    def _add_markdown(self, file: PurePosixPath) -> None:
        text = _MARK.sub(lambda found: _part(file, found[1]), (ROOT / file).read_text())
        pieces = _FENCED.split(text)
        for index in range(0, len(pieces), 2):
            pieces[index] = _LINK.sub(lambda found: self._link(file, found), pieces[index])
        place = place_of(file)
        self.pages[place] = ("" if file.is_relative_to(DOCS) else _ORPHAN) + "".join(pieces)

    def _link(self, file: PurePosixPath, found: re.Match[str]) -> str:
        target, anchor = found[1], found[2] or ""
        if "://" in target:
            return found[0]
        path = PurePosixPath(os.path.normpath(file.parent / target))
        if not (ROOT / path).exists():
            raise Missing(f"{file} links to {target}, which is not there")
        self._add_linked(path)
        relative = os.path.relpath(place_of(path), place_of(file).parent)
        return f"]({relative}{anchor})"

    def _add_linked(self, path: PurePosixPath) -> None:
        if path in self._linked or path.is_relative_to(DOCS):
            return
        self._linked.add(path)
        if (ROOT / path).is_dir():
            self._add_directory(path)
        elif path.suffix == ".md":
            self._add_markdown(path)
        else:
            text = (ROOT / path).read_text()
            lexer = _LEXERS.get(path.suffix, "text")
            self.pages[place_of(path)] = f"{_ORPHAN}# {path}\n\n`````{lexer}\n{text}`````\n"

    def _add_directory(self, path: PurePosixPath) -> None:
        lines = []
        for name in tracked(f"{path}"):
            file = PurePosixPath(name)
            shown = file.relative_to(path)
            if file.parent != path:
                lines.append(f"- `{shown}`")
                continue
            self._add_linked(file)
            lines.append(f"- [`{shown}`]({place_of(file).name})")
        self.pages[place_of(path)] = f"{_ORPHAN}# {path}\n\n" + "\n".join(lines) + "\n"

    def _contents(self, front: PurePosixPath, text: str) -> set[str]:
        """Make each section of the front page a part of the navigation; returns what it lists."""
        listed: set[str] = set()
        trees = []
        for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
            title, _, body = section.partition("\n")
            items = re.findall(r"^- \[[^\]]*\]\(([^)#]+)\)", body, re.MULTILINE)
            listed.update(items)
            trees.append(_toctree(items, title))
        self.pages[front] = text + "".join(trees)
        return listed

    def _append_children(self, place: PurePosixPath, listed: set[str]) -> None:
        links = re.findall(r"\]\(([\w-]+\.md)\)", self.pages[place])
        own = [each for each in dict.fromkeys(links) if f"{place.parent / each}" not in listed]
        if own and not place.is_relative_to("files"):
            self.pages[place] += _toctree(own, "")


def _part(file: PurePosixPath, name: str) -> str:
    if name not in PARTS:
        raise Missing(f"{file} asks for {name!r}, which nobody generates")
    return PARTS[name]()


def _toctree(items: list[str], caption: str) -> str:
    head = "\n```{toctree}\n:hidden:\n" + (f":caption: {caption}\n\n" if caption else "\n")
    return head + "\n".join(items) + "\n```\n"


def place_of(path: PurePosixPath) -> PurePosixPath:
    """Where a file or a directory of the repository stands in the site."""
    if path.is_relative_to(DOCS):
        place = path.relative_to(DOCS)
        return place.with_name("index.md") if place.name == "README.md" else place
    place = "files" / path
    if (ROOT / path).is_dir():
        return place / "index.md"
    return place if path.suffix == ".md" else place.with_name(f"{place.name}.md")
