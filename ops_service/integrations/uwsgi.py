"""uWSGI, with ``enable-threads``: ``ops_service.integrations.uwsgi.install()``

Call it where the application is created. Each worker opens its port after the
fork, with ``lazy-apps`` too.
"""

from __future__ import annotations

import atexit

import uwsgi

from ops_service.integrations import start_worker, stop_worker
from ops_service.log import Log

_LOG = Log()


def install() -> None:
    """Open a port in each worker."""
    if not (uwsgi.opt.get("enable-threads") or uwsgi.opt.get("threads")):
        _LOG.error(
            "the maintenance port is not open: uWSGI runs no threads beside requests; start "
            "it with enable-threads"
        )
        return
    if uwsgi.worker_id():
        # With lazy-apps this runs in the worker, after the fork.
        _open()
        return
    earlier = getattr(uwsgi, "post_fork_hook", None)

    def after_fork() -> None:
        if earlier is not None:
            earlier()
        _open()

    uwsgi.post_fork_hook = after_fork


def _open() -> None:
    # Mules and spoolers are forked too, but serve no requests.
    if uwsgi.worker_id():
        start_worker("uwsgi worker")
        atexit.register(stop_worker)
