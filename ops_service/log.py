"""The service's lines in the application's logs."""

from __future__ import annotations

import logging
import threading


class Log:
    """A logger that raises nothing, whatever the application's filters and handlers do.

    Their exceptions would otherwise end a thread of the service, or reach a caller.
    """

    def __init__(self, name: str = "ops_service") -> None:
        self._logger = logging.getLogger(name)

    def debug(self, text: str, *args: object, exc_info: BaseException | None = None) -> None:
        """Log a line at the level DEBUG."""
        self._write(logging.DEBUG, text, args, exc_info)

    def warning(self, text: str, *args: object, exc_info: BaseException | None = None) -> None:
        """Log a line at the level WARNING."""
        self._write(logging.WARNING, text, args, exc_info)

    def error(self, text: str, *args: object, exc_info: BaseException | None = None) -> None:
        """Log a line at the level ERROR."""
        self._write(logging.ERROR, text, args, exc_info)

    def _write(
        self, level: int, text: str, args: tuple[object, ...], exc_info: BaseException | None
    ) -> None:
        try:
            self._logger.log(level, text, *args, exc_info=exc_info, stacklevel=3)
        except BaseException as error:
            in_main_thread = threading.current_thread() is threading.main_thread()
            # Ctrl-C belongs to the application.
            if in_main_thread and isinstance(error, KeyboardInterrupt):
                raise
