"""Celery: ``ops_service.integrations.celery.install()``

Call it where the application is created. Each process of the prefork pool opens its own
port. The pools ``solo`` and ``threads`` have one process, which opens one port. Under
``gevent`` and ``eventlet`` there is no port, and the log gives the reason.
"""

from __future__ import annotations

from typing import Any

from celery import signals

from ops_service.integrations import start_worker, stop_worker

_PREFORK = "celery.concurrency.prefork"


def install() -> None:
    """Open a port in each process that runs tasks."""
    signals.worker_process_init.connect(_open, weak=False)
    signals.worker_process_shutdown.connect(_close, weak=False)
    signals.worker_ready.connect(_open_single, weak=False)


def _open(**_: Any) -> None:
    start_worker("celery process")


def _close(**_: Any) -> None:
    stop_worker()


def _open_single(sender: Any = None, **_: Any) -> None:
    # If the pool has processes, they open their own ports.
    if type(getattr(sender, "pool", None)).__module__ != _PREFORK:
        start_worker("celery worker")
