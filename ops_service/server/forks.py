"""The services of this process, which hear when it forks."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

from ops_service.errors import StartError


class Forked(Protocol):
    """Hears of forks of the process that it runs in."""

    def before_fork(self) -> None:
        """Called in the thread that is about to fork, which waits for it."""

    def after_fork_in_parent(self) -> None:
        """Called in the same thread."""

    def after_fork_in_child(self) -> None:
        """Called in the child, in which no other thread is left."""


_services: weakref.WeakSet[Forked] = weakref.WeakSet()

# Whether a service was started in this process, and in one that it was forked from.
_started_here = False
_started_before_fork = False


def refuse_after_fork() -> None:
    """Refuse to start where a process before this one had a service.

    Raises:
        StartError: It had.
    """
    if _started_before_fork:
        raise StartError(
            "A service was started in the process that this one was forked from, and gRPC does "
            "not survive a fork. Start the service after the fork alone: in gunicorn's "
            "post_fork, not where the application is loaded."
        )


def will_start() -> None:
    """Note that a service starts here: from now on no forked child can start one."""
    global _started_here
    _started_here = True


def hear_of_forks(service: Forked) -> None:
    """Let a service hear of forks for as long as it exists."""
    _services.add(service)


def _before_fork() -> None:
    for service in list(_services):
        service.before_fork()


def _after_fork_in_parent() -> None:
    for service in list(_services):
        service.after_fork_in_parent()


def _after_fork_in_child() -> None:
    global _started_before_fork
    _started_before_fork = _started_here or _started_before_fork
    for service in list(_services):
        service.after_fork_in_child()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
