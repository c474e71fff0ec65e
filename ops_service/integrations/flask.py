"""Flask: ``ops_service.integrations.flask.init_app(app)``

The port opens with the first request that a process serves. So it opens after a
fork, whatever server runs the application. Under gunicorn, gunicorn's own hook is
better: it opens the port before the first request.
"""

from __future__ import annotations

import threading
from typing import Any

from ops_service.integrations import start_worker

_EXTENSION = "ops_service"


def init_app(app: Any) -> None:
    """Open the port with the first request that this process serves."""
    once = threading.Lock()

    def open_port() -> None:
        if once.acquire(blocking=False):
            start_worker("flask", namespace={"app": app})

    app.extensions[_EXTENSION] = open_port
    app.before_request(open_port)
