"""One-line hooks for each kind of host.

    gunicorn     from ops_service.integrations.gunicorn import post_fork, worker_exit
    FastAPI      FastAPI(lifespan=ops_service.integrations.asgi.lifespan())
    Django       INSTALLED_APPS = [..., "ops_service.integrations.django.OpsServiceConfig"]
    Flask        ops_service.integrations.flask.init_app(app)
    Celery       ops_service.integrations.celery.install()
    uWSGI        ops_service.integrations.uwsgi.install()
    a script     python -m ops_service run app.py

No hook prevents the application from starting: if the port cannot be opened, the
log gives the reason, and the application continues without it. No hook delays it by
more than a second: a slower port opens while the application continues.
"""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING, Any

from ops_service.errors import OpsServiceError, StartError
from ops_service.log import Log
from ops_service.threads import refuse_green_threads

if TYPE_CHECKING:
    from ops_service.server.service import Service

_LOG = Log()

# A hook returns within a second; the rest of the second is for its own work.
_HOOK_SECONDS = 0.9

_opening: _Opening | None = None


class _Opening(threading.Thread):
    """Opens the port of this process, and keeps it."""

    def __init__(self, role: str, options: dict[str, Any]) -> None:
        super().__init__(name="ops_service-start", daemon=True)
        self._role = role
        self._options = options
        self._given_up = False
        self.service: Service | None = None
        """The open port. None while it is not open, or if it could not be opened."""

    def run(self) -> None:
        try:
            # Imported here, since the first import of gRPC takes time.
            from ops_service.server.service import start

            service = start(role=self._role, **self._options)
        except OpsServiceError as error:
            _LOG.error("the maintenance port is not open: %s", error)
            return
        except Exception as error:
            _LOG.error("the maintenance port is not open", exc_info=error)
            return
        # No lock, since a fork could leave it held. Stopping twice is harmless.
        self.service = service
        if self._given_up:
            service.stop()

    def give_up(self) -> None:
        """Close the port, now or as soon as it is open."""
        self._given_up = True
        if self.service is not None:
            self.service.stop(_HOOK_SECONDS)


def start_worker(role: str, **options: Any) -> Service | None:
    """Open the port of this process, unless it has one. Takes a second at most.

    Args:
        role: What the process is, for `opsctl ps`.
        options: Arguments of `ops_service.start`.

    Returns:
        The service. None if it could not be started, or if it takes longer than a second
        and opens in the background; the log says which.
    """
    global _opening
    earlier = _opening
    if earlier is not None:
        earlier.join(_HOOK_SECONDS)
        if earlier.is_alive() or (earlier.service is not None and earlier.service.running):
            return earlier.service
    try:
        # Checked before a thread starts, since it would not be a real thread.
        refuse_green_threads()
    except StartError as error:
        _LOG.error("the maintenance port is not open: %s", error)
        return None
    _opening = opening = _Opening(role, options)
    opening.start()
    opening.join(_HOOK_SECONDS)
    if opening.is_alive():
        _LOG.warning(
            "the maintenance port is not open yet; the application continues, and the port opens "
            "in the background"
        )
        atexit.register(stop_worker)
    return opening.service


def stop_worker() -> None:
    """Close the port of this process, if a hook has opened it. Takes a second at most."""
    global _opening
    opening, _opening = _opening, None
    if opening is not None:
        opening.give_up()
