"""A Celery application: python -m celery -A celery_app worker --concurrency 2

Its broker is a directory, so the example needs no server.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from celery import Celery

from ops_service.integrations import celery

folder = Path(os.environ.get("BROKER_DIRECTORY", tempfile.gettempdir())) / "ops_service-celery"
folder.mkdir(mode=0o700, parents=True, exist_ok=True)
app = Celery("celery_app", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder),
    "data_folder_out": str(folder),
    "control_folder": str(folder),
}
celery.install()


@app.task
def add(one: int, other: int) -> int:
    """Add two numbers."""
    return one + other
