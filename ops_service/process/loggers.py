"""Log levels of the application: read them, change them, and restore them."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from ops_service.errors import InvalidRequest

ROOT = "root"
_HIGHEST = 1000


@dataclass(frozen=True, slots=True)
class LoggerState:
    """State of a logger."""

    name: str
    level: str
    """Its own level; "NOTSET" if it takes its parent's."""
    effective_level: str
    """The lowest level of records that it passes on."""
    handler_count: int
    propagates: bool
    disabled: bool
    changed: bool
    """Whether the service set its level and will restore it."""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A change of a level."""

    before: LoggerState
    after: LoggerState
    number: int
    """Distinguishes this change from a later one of the same logger."""


@dataclass(frozen=True, slots=True)
class _Active:
    original: int
    set_to: int
    number: int


class LogLevels:
    """Levels of loggers, and the changes to restore. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: dict[str, _Active] = {}
        self._number = 0

    def loggers(self, prefix: str) -> list[LoggerState]:
        """All loggers with a name prefix, the root first and the rest by name."""
        # One call copies the dict, since the application may add loggers meanwhile.
        known = logging.root.manager.loggerDict.copy()
        names = sorted(name for name, each in known.items() if isinstance(each, logging.Logger))
        found = [(ROOT, logging.root), *((name, known[name]) for name in names)]
        return [
            self._state(name, each)
            for name, each in found
            if isinstance(each, logging.Logger) and name.startswith(prefix)
        ]

    def set_level(self, name: str, level: str) -> LevelChange:
        """Set the level of an existing logger.

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
            # Not the method of a subclass, which could do anything.
            logging.Logger.setLevel(logger, number)
            self._active[name] = _Active(original, number, self._number)
            return LevelChange(before, self._state(name, logger), self._number)

    def restore(self, name: str, number: int | None = None) -> LevelChange:
        """Undo the change of a logger.

        Args:
            number: Undo only if this change is still the latest. None undoes any change.

        Raises:
            InvalidRequest: There is no such logger.
        """
        logger = self._find(name)
        with self._lock:
            before = self._state(name, logger)
            active = self._active.get(name)
            if active is not None and number in (None, active.number):
                del self._active[name]
                # Unless the application itself has set another level meanwhile.
                if logger.level == active.set_to:
                    logging.Logger.setLevel(logger, active.original)
            return LevelChange(before, self._state(name, logger), 0)

    def restore_all(self) -> None:
        """Undo every change."""
        for name in list(self._active):
            self.restore(name)

    def after_fork(self) -> None:
        """Undo every change in a forked child, whose copy of the lock may be held."""
        self._lock = threading.Lock()
        self.restore_all()

    @staticmethod
    def _find(name: str) -> logging.Logger:
        logger = logging.root if name == ROOT else logging.root.manager.loggerDict.get(name)
        if not isinstance(logger, logging.Logger):
            raise InvalidRequest(
                f"There is no logger {name[:200]!r} in this process; ListLoggers lists the "
                "loggers.",
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
