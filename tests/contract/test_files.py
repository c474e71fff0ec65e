"""What the committed files may hold, and that documents lead somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.split("\0")[:-1]
DOCUMENTS = [name for name in TRACKED if name.endswith(".md")]


def test_no_file_holds_an_address_to_download_from() -> None:
    # A lock file, or pip freeze, would record whatever mirror it was made with.
    address = re.compile(rb"https?://(?!([\w.-]+\.)?example[./\"\s])[\w.-]+\.\w")
    found = [
        name
        for name in TRACKED
        if (ROOT / name).is_file() and address.search((ROOT / name).read_bytes())
    ]
    assert found == []


def test_no_folder_is_there_by_accident() -> None:
    folders = {name.partition("/")[0] for name in TRACKED if "/" in name}
    assert folders == {
        *(".ci", "benchmarks", "clients", "constraints", "docs", "examples"),
        *("ops_service", "protos", "tests", "tools"),
    }


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_of_a_document_lead_to_files(document: str) -> None:
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\(([^)#]+)\)", text)

    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []
    named = re.findall(r"`((?:docs|examples|ops_service|protos|tests|tools)/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
