"""The hook of each kind of host, in one line.

    gunicorn     from ops_service.integrations.gunicorn import post_fork, worker_exit
    FastAPI      FastAPI(lifespan=ops_service.integrations.asgi.lifespan())
    Django       INSTALLED_APPS = [..., "ops_service.integrations.django.OpsServiceConfig"]
    Flask        ops_service.integrations.flask.init_app(app)
    Celery       ops_service.integrations.celery.install()
    uWSGI        ops_service.integrations.uwsgi.install()
    a script     python -m ops_service run app.py

None of them keeps the application from starting: if the port cannot be opened, the
log says why, and the application goes on without it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ops_service.errors import OpsServiceError

if TYPE_CHECKING:
    from ops_service.server import Service

_LOGGER = logging.getLogger("ops_service")

_running: Service | None = None


def start_worker(role: str, **options: Any) -> Service | None:
    """Open the port of this process, unless it has one.

    Args:
        role: What the process is, for `opsctl ps`.
        options: What `ops_service.start` takes.

    Returns:
        The service; None if it could not be started, for which the log has the reason.
    """
    global _running
    from ops_service.server import start

    if _running is not None and _running.running:
        return _running
    try:
        _running = start(role=role, **options)
    except OpsServiceError as error:
        _LOGGER.error("the maintenance port is not open: %s", error)
        return None
    except Exception:
        _LOGGER.exception("the maintenance port is not open")
        return None
    return _running


def stop_worker() -> None:
    """Close the port of this process, if a hook has opened it."""
    global _running
    service, _running = _running, None
    if service is not None:
        service.stop()
