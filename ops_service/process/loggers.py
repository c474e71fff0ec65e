"""Log levels of the application: what they are, and changes that are taken back."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from ops_service.errors import InvalidRequest

ROOT = "root"
_HIGHEST = 1000


@dataclass(frozen=True, slots=True)
class LoggerState:
    """A logger as it is."""

    name: str
    level: str
    """Its own level; "NOTSET" if it takes its parent's."""
    effective_level: str
    """From which level on it passes records on."""
    handler_count: int
    propagates: bool
    disabled: bool
    changed: bool
    """Whether its level is one that the service set and will take back."""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A level that was set."""

    before: LoggerState
    after: LoggerState
    number: int
    """Tells this change from a later one of the same logger."""


@dataclass(frozen=True, slots=True)
class _Active:
    original: int
    set_to: int
    number: int


class LogLevels:
    """Levels of loggers. What it changes it can take back. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: dict[str, _Active] = {}
        self._number = 0

    def loggers(self, prefix: str) -> list[LoggerState]:
        """All loggers whose names begin so, the root first and the rest by name."""
        # A copy by one call, since the application may make loggers meanwhile.
        known = logging.root.manager.loggerDict.copy()
        names = sorted(name for name, each in known.items() if isinstance(each, logging.Logger))
        found = [(ROOT, logging.root), *((name, known[name]) for name in names)]
        return [
            self._state(name, each)
            for name, each in found
            if isinstance(each, logging.Logger) and name.startswith(prefix)
        ]

    def set_level(self, name: str, level: str) -> LevelChange:
        """Set the level of a logger that exists.

        Raises:
            InvalidRequest: There is no such logger, or no such level.
        """
        logger = self._find(name)
        number = _level_number(level)
        with self._lock:
            before = self._state(name, logger)
            earlier = self._active.get(name)
            original = earlier.original if earlier else logger.level
            self._number += 1
            # Past a subclass, whose method could do anything.
            logging.Logger.setLevel(logger, number)
            self._active[name] = _Active(original, number, self._number)
            return LevelChange(before, self._state(name, logger), self._number)

    def restore(self, name: str, number: int | None = None) -> LevelChange:
        """Take back the change of a logger.

        Args:
            number: Only if this change is still the latest one. None: whatever it is.

        Raises:
            InvalidRequest: There is no such logger.
        """
        logger = self._find(name)
        with self._lock:
            before = self._state(name, logger)
            active = self._active.get(name)
            if active is not None and number in (None, active.number):
                del self._active[name]
                # Unless the application has set another one itself meanwhile.
                if logger.level == active.set_to:
                    logging.Logger.setLevel(logger, active.original)
            return LevelChange(before, self._state(name, logger), 0)

    def restore_all(self) -> None:
        """Take back every change."""
        for name in list(self._active):
            self.restore(name)

    def after_fork(self) -> None:
        """Take back every change, in a forked child where another thread held the lock."""
        self._lock = threading.Lock()
        self.restore_all()

    @staticmethod
    def _find(name: str) -> logging.Logger:
        logger = logging.root if name == ROOT else logging.root.manager.loggerDict.get(name)
        if not isinstance(logger, logging.Logger):
            raise InvalidRequest(
                f"There is no logger {name[:200]!r} in this process; ListLoggers tells which "
                "there are.",
                details={"field": "logger"},
            )
        return logger

    def _state(self, name: str, logger: logging.Logger) -> LoggerState:
        active = self._active.get(name)
        return LoggerState(
            name=name,
            level=logging.getLevelName(logger.level),
            effective_level=logging.getLevelName(_effective(logger)),
            handler_count=len(logger.handlers),
            propagates=bool(logger.propagate),
            disabled=bool(logger.disabled),
            changed=active is not None and logger.level == active.set_to,
        )


def _effective(logger: logging.Logger | None) -> int:
    while logger is not None:
        if logger.level:
            return logger.level
        logger = logger.parent
    return logging.NOTSET


def _level_number(level: str) -> int:
    names = logging.getLevelNamesMapping()
    if level.upper() in names:
        return names[level.upper()]
    if level.isascii() and level.isdigit() and int(level[:5]) <= _HIGHEST:
        return int(level[:5])
    raise InvalidRequest(
        f"level is {level[:100]!r}; choose from {', '.join(names)}, or a number from 0 to "
        f"{_HIGHEST}.",
        details={"field": "level"},
    )
