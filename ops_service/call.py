"""The call that is being served, as its handler may see it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """Facts about one call that passed the gate."""

    call_id: str
    """Random. Stands in both audit records of the call."""
    principal: str
    """What grants are matched with. Empty if the certificate gives no usable name."""
    principal_problem: str
    """Why the certificate gives no usable name. Empty if it gives one."""
    presented_names: tuple[str, ...]
    """Every typed subject alternative name of the certificate."""
    capabilities: frozenset[str]
    """What the principal may do, besides what every authenticated peer may."""


_current: ContextVar[Call] = ContextVar("ops_service_call")


def current_call() -> Call:
    """The call that the running handler serves. Raises LookupError outside one."""
    return _current.get()


def set_current_call(call: Call) -> None:
    """Make the call known to the handler that runs in this task."""
    _current.set(call)
