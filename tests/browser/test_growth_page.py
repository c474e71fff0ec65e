"""The page of `opsctl leaks report`, opened in Chromium: light, dark, and without a network."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_client import credentials_of, history_when
from fix_host import StartHost
from fix_opsctl import Opsctl, environment_of

from ops_client import MaintenanceClient
from ops_service.v1 import growth_pb2

CHROMIUM = shutil.which("chromium")
LEAKS = growth_pb2.HEAP_GROWTH_VERDICT_LEAK
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

WIDTH = 1000
# A name that contains markup must stay text.
LEAK = """
import time, threading
class Session: pass
Session.__qualname__ = "Session<script>document.title='run'</script>"
registry = {}
def leak():
    begin = time.monotonic()
    while True:
        while len(registry) < 200 * (time.monotonic() - begin):
            registry[f"session {len(registry)}"] = Session()
        time.sleep(0.005)
threading.Thread(target=leak, daemon=True).start()
"""


@pytest.fixture(scope="module")
def page(
    start_shared_host: StartHost,
    admin: Identity,
    opsctl: Opsctl,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The page of a host that leaks."""
    host = start_shared_host(
        watch={"interval_seconds": 0.3},
        rules=[{"name": "leaking", "when": "leak", "actions": ["log"]}],
    )
    host.run(LEAK)
    with MaintenanceClient(host.address, credentials_of(admin)) as client:
        history = history_when(
            client, lambda each: each.latest is not None and each.latest.verdict == LEAKS
        )
    assert history.suspected is not None
    assert history.suspected.verdict == LEAKS
    path = tmp_path_factory.mktemp("page") / "leaks.html"
    told = opsctl("leaks", "report", "-o", path, env=environment_of(host.address, admin))
    assert told.returncode == 0, told.stderr
    return path


def chromium(*options: object) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    return subprocess.run(
        [
            CHROMIUM,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            # Every request of the page fails.
            "--proxy-server=127.0.0.1:1",
            *map(str, options),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def first_pixel(png: bytes) -> tuple[int, int, int]:
    """Colour of the top left corner. PNG filters do not change it."""
    size = struct.unpack(">II", png[16:24])
    assert size[0] == WIDTH
    data, position = b"", 8
    while position < len(png):
        length, kind = struct.unpack(">I4s", png[position : position + 8])
        if kind == b"IDAT":
            data += png[position + 8 : position + 8 + length]
        position += length + 12
    red, green, blue = zlib.decompress(data)[1:4]
    return red, green, blue


@pytest.mark.parametrize(("scheme", "setting"), [("light", 1), ("dark", 0)])
def test_it_is_painted(page: Path, scheme: str, setting: int) -> None:
    picture = page.with_name(f"{scheme}.png")
    run = chromium(
        f"--screenshot={picture}",
        f"--window-size={WIDTH},1600",
        f"--blink-settings=preferredColorScheme={setting}",
        page.as_uri(),
    )
    print(picture)
    assert "CONSOLE" not in run.stderr
    colour = first_pixel(picture.read_bytes())
    assert min(colour) > 200 if scheme == "light" else max(colour) < 60


def test_what_stands_in_it(page: Path) -> None:
    run = chromium("--dump-dom", page.as_uri())
    assert "CONSOLE" not in run.stderr
    dom = run.stdout
    assert "<title>Memory growth of process" in dom
    assert "&lt;script&gt;" in dom
    assert not re.search(r"<(script|img|link|iframe)", dom)
    for part in ('id="memory"', 'id="suspects"', 'id="rules"', "registry", "It leaks"):
        assert part in dom
    # Curves of the suspects, and both lines of the chart.
    assert dom.count("<polyline") >= 4
