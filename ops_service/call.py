"""The call in progress, as its handler sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """Facts about one call that passed the gate."""

    call_id: str
    """Random id. It is in both audit records of the call."""
    principal: str
    """Name that grants are matched with. Empty if the certificate gives no usable name."""
    principal_problem: str
    """Why the certificate gives no usable name. Empty if it gives one."""
    presented_names: tuple[str, ...]
    """Every typed subject alternative name of the certificate."""
    capabilities: frozenset[str]
    """The principal's capabilities, besides those of every authenticated peer."""
    record: Callable[[str, dict[str, Any]], Awaitable[str]]
    """Writes another audit record of this call to disk: an event and its facts.
    Returns the hash. If it raises AuditUnavailable, the recorded work must not begin."""
    require: Callable[[str, str], None]
    """Checks a capability that depends on what the handler found. Arguments: its name without
    prefix, and what needs it, for the message. Raises PermissionDenied. It is checked again
    when grants change."""
    is_taken_away: Callable[[], bool] = lambda: False
    """Whether the call was ended because its caller may no longer make it."""
    operations: tuple[str, ...] = ()
    """Patterns of the application's operations that the caller's grant lists."""

    def may_invoke(self, operation: str) -> bool:
        """Whether the caller may run an operation of the application."""
        return "OPERATE" in self.capabilities and matches(self.operations, operation)


def matches(patterns: tuple[str, ...], operation: str) -> bool:
    """Whether a pattern, such as ``cache.*``, matches the name of an operation."""
    return any(fnmatchcase(operation, pattern) for pattern in patterns)


_current: ContextVar[Call] = ContextVar("ops_service_call")


def current_call() -> Call:
    """The call that the running handler serves. Raises LookupError outside one."""
    return _current.get()


def set_current_call(call: Call) -> None:
    """Set the call for the handler that runs in this task."""
    _current.set(call)
