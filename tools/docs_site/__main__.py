"""Build the site: ``python -m docs_site [DIRECTORY]``, by default .cache/docs.

Every warning is an error: a link that leads nowhere, an anchor that is not there, a page
that nothing lists.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from docs_site.stage import ROOT, Missing, Stage

_HERE = Path(__file__).resolve().parent


def build(directory: Path) -> int:
    """Write the source and build the pages; returns Sphinx's exit status."""
    source, html = directory / "source", directory / "html"
    stage = Stage()
    stage.add_documentation()
    source.mkdir(parents=True, exist_ok=True)
    stage.write(source)
    # What was removed since the last build must not stay.
    shutil.rmtree(html, ignore_errors=True)
    options = ["--builder", "html", "--fail-on-warning", "--quiet", "--conf-dir", str(_HERE)]
    places = ["--doctree-dir", str(directory / "doctrees"), str(source), str(html)]
    return subprocess.run([sys.executable, "-m", "sphinx", *options, *places]).returncode


def main() -> None:
    """Build, and say where the pages are."""
    began = time.monotonic()
    directory = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / ".cache/docs"
    try:
        status = build(directory)
    except Missing as error:
        raise SystemExit(f"docs: {error}") from None
    if status != 0:
        raise SystemExit("docs: the pages were not built; each warning above is an error")
    pages = len(list((directory / "html").rglob("*.html")))
    print(f"{pages} pages in {time.monotonic() - began:.1f} s: {directory / 'html/index.html'}")


if __name__ == "__main__":
    main()
