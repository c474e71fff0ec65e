"""The lines of the pages of docs/how-to, typed as they stand, against their examples.

Only ports differ. A line is typed again until it prints what the page relies on, as a
person would do: a verdict takes samples, and a rule acts at its time.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from eventually import eventually
from fix_shell import Shell, free_ports, lines_of, wait_for_port
from page_commands import NOT_TYPED

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/how-to"
SECONDS = 240.0

# A sample must name the leak. If a busy machine takes the samples unevenly, the last one
# may doubt what earlier ones reported.
VERDICT = (0, 90)

SESSIONS = r"leak: __main__\.Session: .* held by __main__\.sessions"

# For a page, in the order of its lines: how a line begins, its exit code, and the output
# that the page relies on.
EXPECTED = {
    "stuck-asyncio.md": [
        ("opsctl status", 0, r"uptime"),
        ("opsctl stacks", 0, r"circle:\n.*'(sell|refund)-1' waits for task .* \(asyncio.Lock\)"),
        ("opsctl stacks --json", 0, r""),
    ],
    "oom-killed.md": [
        ("opsctl heap list", 0, r" whole "),
        ("opsctl leaks report", 0, r"held by +__main__\.rows"),
        ("opsctl leaks report --previous", 0, r"held by +__main__\.rows"),
        ("opsctl leaks report --previous -o", 0, r""),
        ("opsctl heap list", 0, r" whole "),
        ("opsctl heap fetch", 0, r""),
        ("opsctl heap suspects", 0, r"__main__\.Row|rows"),
        ("opsctl heap path", 0, r"rows"),
    ],
    "growth-outside-python.md": [
        ("opsctl leaks watch", 91, r"malloc memory grows"),
        ("opsctl memory show", 0, r"malloc, in use"),
        ("opsctl memory reclaim --trim", 0, r"malloc, free"),
    ],
    "gunicorn-behind-istio.md": [
        ("opsctl ps", 0, r"(?s)gunicorn worker.*gunicorn worker"),
        ("opsctl leaks watch", VERDICT, r"leak: leaky_wsgi\.Visit: .* held by leaky_wsgi\.stat"),
        ("opsctl heap capture", 0, r""),
        ("opsctl heap path", 0, r"statistics"),
    ],
    "celery-grows.md": [
        ("opsctl ps", 0, r"(?s)celery process.*celery process"),
        ("opsctl leaks watch", VERDICT, r"leak: growing_tasks\..* held by growing_tasks\.cache"),
        ("opsctl alloc trace", 0, r"growing_tasks\.py:"),
    ],
    "leaks.md": [
        ("opsctl leaks watch", VERDICT, SESSIONS),
        ("grpcurl", 0, r'(?s)"typeName": "__main__\.Session".*"verdict": "HEAP_GROWTH_VERDICT_'),
        ("opsctl alloc trace", 0, r"kept_sessions\.py:"),
        ("opsctl heap path", 0, r"__main__\.sessions"),
        # The exit code is that of tee.
        ("opsctl leaks watch", 0, rf"{SESSIONS}(?s:.*)Baseline: [0-9a-f]{{16}}"),
        ("opsctl leaks watch", VERDICT, r"since the baseline of"),
        ("opsctl leaks report", 0, r"held by +__main__\.sessions"),
        ("opsctl leaks report -o", 0, r"leaks\.html"),
    ],
}


# The same for pages that add a port to an application, typed in examples/integrations.
ADDED = {
    "add-a-port.md": [("opsctl status", 0, r"uptime")],
    "fastapi.md": [
        ("opsctl ps", 0, r"(?s)asgi worker.*asgi worker"),
        ("opsctl heap summary", 0, r" objects of "),
    ],
    "django.md": [("opsctl ps", 0, r"django")],
    "gunicorn.md": [("opsctl ps", 0, r"(?s)gunicorn worker.*gunicorn worker")],
    "celery.md": [("opsctl ps", 0, r"(?s)celery process.*celery process")],
}
BEFORE = {"incidents": "README.md", "integrations": "add-a-port.md"}
"""For each folder of examples, the page whose settings the other pages use."""
WHOLE = [("incidents", page) for page in EXPECTED] + [("integrations", page) for page in ADDED]

TYPES = (
    *(f"docs/how-to/{page}" for page in (*EXPECTED, *ADDED, "README.md")),
    "examples/mesh/README.md",
)
"""The pages whose lines are typed here."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The examples, in a writable directory."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path / "examples/incidents"


def settings_of(folder: str) -> list[str]:
    """The lines that make certificates and set variables."""
    lines = lines_of(PAGES / BEFORE[folder])
    return [line for line in lines if line.startswith(("export", "opsctl certs"))]


# Some of them wait for a dozen samples, and then for a dozen more.
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("folder", "page"), WHOLE)
def test_a_page(folder: str, page: str, place: Path) -> None:
    first = free_ports(6)
    ports = {"7443": first, "7444": first + 1, "8443": first + 4, "8000": first + 5}
    place = place.parent / folder

    def adapted(text: str) -> str:
        return re.sub(r"\b(7443|7444|8443|8000)\b", lambda found: str(ports[found[1]]), text)

    envoy = place.parent / "mesh/passthrough/envoy.yaml"
    for file in (place / "ops_service.toml", place / "gunicorn.conf.py", envoy):
        file.write_text(adapted(file.read_text()))
    before = settings_of(folder)
    lines = [line for line in lines_of(PAGES / page) if line not in before]
    lines = [line for line in lines if line not in NOT_TYPED]
    expected = list((EXPECTED if folder == "incidents" else ADDED)[page])
    with Shell(place) as shell:
        for line in before:
            assert shell.type(adapted(line))[0] == 0, shell.output
        for line in lines:
            if not line.startswith(("opsctl", "grpcurl")):
                assert shell.type(adapted(line))[0] == 0, shell.output
                if line.endswith("&"):
                    wait_for_port(ports["8443" if "envoy" in line else "7443"])
                continue
            begins, code, words = expected.pop(0)
            assert line.startswith(begins)
            shell.type_until(adapted(line), code, words, within=SECONDS)
    assert expected == []


def test_every_incident_is_typed() -> None:
    assert settings_of("incidents") == lines_of(PAGES / "README.md")
    named = re.findall(r"\]\(([a-z-]+\.md)\) \|", (PAGES / "README.md").read_text())
    assert set(named) <= set(EXPECTED)


MESH = ROOT / "examples/mesh"
MESH_LINES = lines_of(MESH / "README.md")


def wait_for_socket(path: Path) -> None:
    """Wait until there is a socket of that name."""
    eventually(path.exists, f"nobody made {path}", within=SECONDS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("recipe", ["passthrough", "identity"])
def test_a_recipe_of_the_mesh(
    recipe: str, place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = free_ports(2)
    # A short name, because a socket's path must be short.
    socket = tmp_path_factory.mktemp("at") / "ops/ops.sock"

    def adapted(text: str) -> str:
        text = text.replace("7443", str(first)).replace("8443", str(first + 1))
        return text.replace("/tmp/shop-ops/ops.sock", str(socket))

    directory = place.parent / "mesh" / recipe
    for name in ("ops_service.toml", "envoy.yaml"):
        (directory / name).write_text(adapted((directory / name).read_text()))
    with Shell(directory) as shell:
        for line in MESH_LINES[:-1]:
            status, printed = shell.type(adapted(line))
            assert status == 0, shell.output
            if line.startswith("envoy"):
                wait_for_port(first + 1)
            elif line.endswith("&") and recipe == "identity":
                wait_for_socket(socket)
            elif line.endswith("&"):
                wait_for_port(first)
            elif line == "opsctl whoami":
                assert "spiffe://ops.local/operator" in printed
    assert (directory / "shop.heap").stat().st_size > 0


def test_a_port_that_is_a_socket(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    socket = tmp_path_factory.mktemp("at") / "ops.sock"
    file = place / "ops_service.toml"
    text = re.sub(r'address = ".*"', f'address = "unix:{socket}"', file.read_text())
    file.write_text(text.replace("slots = 4", "slots = 1"))
    with Shell(place) as shell:
        for line in lines_of(PAGES / "README.md"):
            assert shell.type(line)[0] == 0, shell.output
        assert shell.type("python -m ops_service run stuck_orders.py &")[0] == 0
        wait_for_socket(socket)
        line = MESH_LINES[-1]
        assert "unix:/run/shop/ops.sock" in line
        status, printed = shell.type(line.replace("/run/shop/ops.sock", str(socket)))
    assert (status, "spiffe://ops.local/operator" in printed) == (0, True), shell.output
