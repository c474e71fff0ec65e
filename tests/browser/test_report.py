"""The report of a captured heap, opened in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_host import StartHost

from ops_client import ClientCredentials, MaintenanceClient
from ops_client.heap_graph import find_dominators, read_heap_graph
from ops_client.report import write_report
from ops_service.v1.heap_graph_pb2 import CONTENT_LEVEL_VALUES

from .chromium import Page, chromium
from .png import colours

PLANT = """
import types, sys
class Session:
    def __init__(self, number):
        self.payload = bytes(1000)
        # Each a string of its own, whatever the interpreter interns.
        self.name = ' '.join(['</script><b>one', 'name</b>'])
Session.__module__ = 'shop'
shop = sys.modules['shop'] = types.ModuleType('shop')
shop.SESSIONS = [Session(number) for number in range(20000)]
"""


@pytest.fixture(scope="module")
def report(
    start_shared_host: StartHost, admin: Identity, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    host = start_shared_host()
    host.run(PLANT)
    directory = tmp_path_factory.mktemp("report")
    credentials = ClientCredentials(admin.ca, admin.certificate, admin.private_key)
    with MaintenanceClient(host.address, credentials) as client:
        client.capture_heap_snapshot(
            directory / "host.heap", content_level=CONTENT_LEVEL_VALUES, hash_strings=True
        )
    tree = find_dominators(read_heap_graph(directory / "host.heap"))
    write_report(tree, directory / "report.html")
    return directory / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser: Page, report: Path) -> Page:
    """The report, freshly loaded."""
    browser.open(report)
    return browser


def test_the_page_draws_itself_and_loads_nothing(page: Page, report: Path) -> None:
    assert page.value("document.querySelectorAll('#map .cell').length") > 20
    assert page.value("document.querySelector('#suspects h3').textContent").startswith("one list")
    assert page.value("document.querySelector('#suspects code').textContent") == (
        "shop.SESSIONS (list)"
    )
    assert "shop.Session" in page.value("document.getElementById('types').textContent")
    asked = {each["request"]["url"] for each in page.named("Network.requestWillBeSent")}
    assert asked == {report.as_uri()}
    assert page.named("Runtime.exceptionThrown") == []
    assert page.named("Log.entryAdded") == []


def test_text_of_the_process_stays_text(page: Page) -> None:
    duplicates = page.value("document.querySelector('#duplicates tbody').textContent")

    assert "</script><b>one name</b>" in duplicates
    assert page.value("document.querySelectorAll('#duplicates b').length") == 0


def test_the_map_is_walked_with_the_keyboard(page: Page) -> None:
    crumbs = "[...document.querySelectorAll('#crumbs button')].map((each) => each.textContent)"
    page.value("document.querySelector('#map .cell').focus()")
    label = page.value("document.activeElement.getAttribute('aria-label')")
    assert "retain" in label
    assert len(page.value(crumbs)) == 1

    page.press("Enter", "\r")
    assert len(page.value(crumbs)) == 2
    assert page.value("document.activeElement.className").startswith("cell")
    page.press("Escape")
    assert len(page.value(crumbs)) == 1
    # The arrow moves to another cell, whose label says what it is.
    before = page.value("document.activeElement.getAttribute('aria-label')")
    page.press("ArrowRight")
    after = page.value("document.activeElement.getAttribute('aria-label')")
    assert before != after
    assert page.value("document.getElementById('told').textContent") == after


def test_the_search_finds_types_and_paths(page: Page) -> None:
    page.press("/", "/")
    assert page.value("document.activeElement.id") == "search"
    for letter in "SESSIONS":
        page.press(letter, letter)
    assert "shop.SESSIONS" in page.value("document.getElementById('hits').textContent")
    assert page.value("document.querySelectorAll('.cell.hit').length") > 0

    page.press("Escape")
    assert page.value("document.getElementById('hits').hidden") is True


def test_tables_are_sorted_by_any_column(page: Page) -> None:
    cells = "[...document.querySelectorAll('#types td:last-child')].map((each) => each.textContent)"
    page.value("document.querySelector('#types th:last-child button').click()")
    ascending = page.value(cells)
    assert len(ascending) > 50
    assert ascending == sorted(ascending)


def test_it_tells_where_the_memory_is(page: Page) -> None:
    bars = "[...document.querySelectorAll('#memory .split')].map((each) => each.ariaLabel)"
    held, objects = page.value(bars)
    assert held.startswith("Resident memory, by who holds it: Python's small objects, in use ")
    assert ", mapped files " in held
    assert "text and bytes " in objects
    rows = page.value("document.querySelector('#memory .parts').textContent")
    assert rows.count("iB") > 3
    assert "NaN" not in page.value("document.getElementById('memory').textContent")


def test_a_cell_shows_what_its_objects_hold(page: Page) -> None:
    labels = page.value("[...document.querySelectorAll('#map .cell')].map((e) => e.ariaLabel)")

    # Of each session: its instance and what is below it, by type.
    assert any(each.startswith("20,000 \u00d7 shop.Session retain ") for each in labels)
    assert any(each.startswith("20,000 \u00d7 bytes retain ") for each in labels)
    assert any(
        re.match(r"20,000 \u00d7 shop\.Session have .* of their own", each) for each in labels
    )


def test_all_of_it_is_reached_with_the_keyboard(page: Page) -> None:
    """Move from one focus to the next, as a person without a mouse does."""
    seen = []
    for _ in range(200):
        page.press("Tab", code=9)
        where = page.value(
            "((e) => (e === document.body ? null : e.closest('[id]').id))(document.activeElement)"
        )
        if where is None:
            break
        seen.append(where)
    else:
        pytest.fail("the focus never came back")
    assert {"search", "crumbs", "map", "types", "memory", "duplicates"} <= set(seen)
    # The whole map is one stop. Arrows move inside it.
    assert seen.count("map") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_painted_light_and_dark(page: Page, report: Path, scheme: str) -> None:
    page.prefer(scheme)
    whole = report.with_name(f"{scheme}.png")
    whole.write_bytes(page.picture())
    print(whole)

    # Small enough to check each of its points.
    around = colours(page.picture("header", scale=0.1))
    of_map = colours(page.picture("#map", scale=0.1))

    # Most of it is paper. Writing contrasts with it, and the map has cells of many colours.
    brightness = sorted(sum(each) / 3 for each in around)
    paper = brightness[len(brightness) // 2]
    assert paper > 240 if scheme == "light" else paper < 40
    assert max(abs(each - paper) for each in brightness) > 40
    assert len({tuple(value // 16 for value in each) for each in of_map}) > 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_writing_can_be_read(page: Page, scheme: str) -> None:
    page.prefer(scheme)

    found = page.value(Path(__file__).with_name("contrasts.js").read_text())

    assert len(found) > 300
    # The contrast that WCAG requires for small text.
    assert [each for each in found if each[0] < 4.5] == []


@pytest.mark.parametrize("width", [1280, 380])
def test_nothing_stands_out_of_a_narrow_window(page: Page, width: int) -> None:
    page.resize(width, 900)

    assert page.value("document.documentElement.scrollWidth") <= width
    assert page.value("document.querySelectorAll('#map .cell').length") > 10
