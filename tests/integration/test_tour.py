"""The demo host ends with the process that started it, however that one ends."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

import pytest
from fix_play import start_play


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_behind(ending: signal.Signals, tmp_path: Path) -> None:
    play = start_play(tmp_path / "demo")
    shop = os.pidfd_open(play.shop_pid)
    try:
        play.process.send_signal(ending)
        play.process.wait(timeout=60)

        ended, _, _ = select.select([shop], [], [], 60)
        assert ended == [shop]
    finally:
        play.process.kill()
        os.close(shop)
