"""Django: ``INSTALLED_APPS = [..., "ops_service.integrations.django.OpsServiceConfig"]``

The port opens when Django is ready, in a process that serves. Commands of
``manage.py`` open none, except ``runserver``. Under gunicorn with ``--preload``, Django
is ready before the fork: use gunicorn's hook there instead of this one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.apps import AppConfig

from ops_service.integrations import start_worker


class OpsServiceConfig(AppConfig):  # type: ignore[misc, unused-ignore]
    """Opens the port when Django is ready."""

    name = "ops_service.integrations.django"
    label = "ops_service"
    verbose_name = "Maintenance port"

    def ready(self) -> None:
        """Open the port, if this process serves."""
        if _serves(sys.argv, os.environ.get("RUN_MAIN")):
            start_worker("django")


def _serves(arguments: list[str], run_main: str | None) -> bool:
    program = Path(arguments[0]).name if arguments else ""
    if program not in ("manage.py", "django-admin", "__main__.py"):
        return True
    if len(arguments) < 2 or arguments[1] != "runserver":
        return False
    # With the reloader, the child serves, and the parent only watches files.
    return run_main == "true" or "--noreload" in arguments
