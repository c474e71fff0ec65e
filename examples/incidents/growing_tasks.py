"""A Celery application: python -m celery -A growing_tasks worker --concurrency 2

Its broker is a directory, so the example needs no server. Running this file sends
tasks to it: python growing_tasks.py
"""

from __future__ import annotations

import time
from pathlib import Path

from celery import Celery

from ops_service.integrations import celery

folder = Path("broker")
folder.mkdir(mode=0o700, exist_ok=True)
app = Celery("growing_tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder),
    "data_folder_out": str(folder),
    "control_folder": str(folder),
}
celery.install()


class Thumbnail:
    """A small picture."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pixels = [name] * 20


cache: dict[str, Thumbnail] = {}


@app.task
def shrink(batch: int) -> int:
    """Make thumbnails, and keep them for repeated requests."""
    for number in range(200):
        name = f"{batch}-{number}"
        cache[name] = Thumbnail(name)
    return len(cache)


def main() -> None:
    """Send two tasks a second, for ten minutes."""
    for batch in range(1200):
        shrink.delay(batch)
        time.sleep(0.5)


if __name__ == "__main__":
    main()
