"""A test types every shell command of every page, or a list here has the reason why not.

A test that types pages names them in ``TYPES``. A new page with something to type fails
here until a test types it.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from page_commands import (
    NOT_TYPED,
    NOT_TYPED_IN_PROSE,
    ROOT,
    block_commands,
    pages,
    prose_commands,
)

TYPING = (
    "how_to/test_pages.py",
    "integration/test_documents.py",
    "integration/test_readme.py",
    "how_to/test_tutorial.py",
)
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def types_of(file: str) -> tuple[str, ...]:
    """The pages that the tests of a file type."""
    path = ROOT / "tests" / file
    spec = importlib.util.spec_from_file_location(f"typing_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: tuple[str, ...] = module.TYPES
    return found


TYPED = {page: file for file in TYPING for page in types_of(file)}


@pytest.mark.parametrize("page", pages())
def test_the_blocks_of_a_page_are_typed(page: str) -> None:
    untyped = [line for line in block_commands(ROOT / page) if line not in NOT_TYPED]
    assert page in TYPED or untyped == []


@pytest.mark.parametrize("page", pages())
def test_commands_among_words_are_known(page: str) -> None:
    unknown = []
    for command in prose_commands(ROOT / page):
        if command.startswith("make "):
            words = [each for each in command.split()[1:] if "=" not in each]
            unknown += [f"make {each}" for each in words if each not in TARGETS]
        elif command not in NOT_TYPED_IN_PROSE:
            unknown.append(command)
    assert unknown == []


def test_the_lists_hold_nothing_that_no_page_has() -> None:
    shown = {line for page in pages() for line in block_commands(ROOT / page)}
    assert set(NOT_TYPED) - shown == set()
    said = {line for page in pages() for line in prose_commands(ROOT / page)}
    assert set(NOT_TYPED_IN_PROSE) - said == set()
    assert set(TYPED) - set(pages()) == set()
    assert all(NOT_TYPED.values())
    assert all(NOT_TYPED_IN_PROSE.values())


@pytest.mark.parametrize("line", [line for line in NOT_TYPED if line.startswith("make ")])
def test_a_target_that_is_not_typed_is_there(line: str) -> None:
    assert line.removeprefix("make ") in TARGETS


EXAMPLES = ROOT / "examples"
SHOWN = {
    "add-a-port.md": "integrations/ops_service.toml",
    "celery.md": "integrations/celery_app.py",
    "django.md": "integrations/manage.py",
    "fastapi.md": "integrations/fastapi_app.py",
    "gunicorn.md": "integrations/gunicorn.conf.py",
    "kubernetes.md": "mesh/kubernetes/passthrough.yaml",
}
"""Pages of how-to that show exact parts of a file."""


@pytest.mark.parametrize(("page", "file"), SHOWN.items())
def test_a_page_shows_what_the_example_holds(page: str, file: str) -> None:
    text = (ROOT / "docs/how-to" / page).read_text()
    language = {".toml": "toml", ".py": "python", ".yaml": "yaml"}[Path(file).suffix]
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert blocks
    example = (EXAMPLES / file).read_text()
    assert [block for block in blocks if block not in example] == []
    assert f"examples/{file}" in text


def test_a_page_that_nobody_types_is_found(tmp_path: Path) -> None:
    page = tmp_path / "new.md"
    page.write_text(
        "```console\n$ new --option\nprinted\n```\n\n```sh\nother\n```\nSay `kubectl x`.\n"
    )
    assert list(block_commands(page)) == ["new --option", "other"]
    assert list(prose_commands(page)) == ["kubectl x"]
