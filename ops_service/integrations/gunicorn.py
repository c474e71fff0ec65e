"""gunicorn: in its configuration file,

    from ops_service.integrations.gunicorn import post_fork, worker_exit

Each worker opens its port after the fork, with ``--preload`` too. Workers of
gevent and eventlet open none, and the log gives the reason.
"""

from __future__ import annotations

from typing import Any

from ops_service.integrations import start_worker, stop_worker
from ops_service.log import Log
from ops_service.threads import GREEN_THREADS

_LOG = Log()

_GREEN = ("gunicorn.workers.ggevent", "gunicorn.workers.geventlet")


def post_fork(server: Any, worker: Any) -> None:
    """Open the port of a worker."""
    # Their threads are patched after this hook, so `start` could not detect it yet.
    if any(each.__module__ in _GREEN for each in type(worker).__mro__):
        _LOG.error("the maintenance port is not open: %s", GREEN_THREADS)
        return
    start_worker("gunicorn worker")


def worker_exit(server: Any, worker: Any) -> None:
    """Close the port of a worker."""
    stop_worker()
