"""The built site: what it fetches, and that the build is as strict as documented."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from built_site import HTML, read_page
from docs_site.stage import ROOT, Missing, Stage

PAGES = sorted(f"{path.relative_to(HTML).with_suffix('')}" for path in HTML.rglob("*.html"))
OUTSIDE = re.compile(rb"url\(['\"]?(?:https?:)?//|@import")


def test_there_are_pages() -> None:
    assert len(PAGES) > 50, "run make docs"


def test_a_reader_fetches_nothing_from_elsewhere() -> None:
    fetched = {(page, each) for page in PAGES for each in read_page(page).loads if "//" in each}
    assert fetched == set()
    styles = [path for path in HTML.rglob("*.css") if OUTSIDE.search(path.read_bytes())]
    assert styles == []


def test_links_and_anchors_lead_somewhere() -> None:
    # The build checks the links of the sources. These are the links of the pages.
    broken = []
    for page in PAGES:
        for link in read_page(page).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = (HTML / f"{page}.html").parent / parts.path if parts.path else None
            target = f"{path.resolve().relative_to(HTML).with_suffix('')}" if path else page
            known = target in PAGES
            if not known or (parts.fragment and parts.fragment not in read_page(target).ids):
                broken.append((page, link))
    assert broken == []


@pytest.mark.parametrize("name", ["fastapi", "django", "gunicorn", "celery", "kubernetes"])
def test_an_application_is_found_from_the_front_page(name: str) -> None:
    assert f"how-to/{name}.html" in read_page("index").links


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("[a page](reference/calls.md#no-such-anchor)", "no-such-anchor"),
        ("[here](#no-such-anchor)", "no-such-anchor"),
        ("```{no-such-directive}\n```", "no-such-directive"),
    ],
)
def test_the_build_ends_with_a_warning(line: str, complaint: str, tmp_path: Path) -> None:
    for name in ("conf.py", "static"):
        source = ROOT / "tools/docs_site" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "index.md").write_text(f"# Front\n\n{line}\n")
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference/calls.md").write_text("---\norphan: true\n---\n# Calls\n")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", tmp_path, tmp_path / "out"],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert complaint in done.stderr


def test_a_link_to_a_file_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text

    def changed(path: Path, *arguments: str) -> str:
        text = read(path, *arguments)
        return f"{text}[a](../no_such.py)" if path.name == "tutorial.md" else text

    monkeypatch.setattr(Path, "read_text", changed)
    with pytest.raises(Missing, match="no_such"):
        Stage().add_documentation()
