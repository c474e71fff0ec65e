"""gunicorn: in its configuration file,

    from ops_service.integrations.gunicorn import post_fork, worker_exit

Each worker opens its port after it has been forked, with ``--preload`` too.
"""

from __future__ import annotations

from typing import Any

from ops_service.integrations import start_worker, stop_worker


def post_fork(server: Any, worker: Any) -> None:
    """Open the port of a worker."""
    start_worker("gunicorn worker")


def worker_exit(server: Any, worker: Any) -> None:
    """Close the port of a worker."""
    stop_worker()
