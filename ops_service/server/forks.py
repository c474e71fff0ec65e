"""Registry of this process's services, which are notified when it forks."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

from ops_service.errors import StartError
from ops_service.heap.own import register


class Forked(Protocol):
    """Receives notifications of forks of its process."""

    def before_fork(self) -> None:
        """Called in the thread that is about to fork, which waits for it to return."""

    def after_fork_in_parent(self) -> None:
        """Called in the same thread, after the fork."""

    def after_fork_in_child(self) -> None:
        """Called in the child, where no other thread exists."""


_services: weakref.WeakSet[Forked] = weakref.WeakSet()

# Whether a service started in this process, and in a process that it was forked from.
_started_here = False
_started_before_fork = False


def refuse_after_fork() -> None:
    """Refuse to start if an ancestor process started a service before it forked.

    Raises:
        StartError: An ancestor did.
    """
    if _started_before_fork:
        raise StartError(
            "A service was started in the process that this one was forked from, and gRPC does "
            "not survive a fork. Start the service only after the fork: in gunicorn's "
            "post_fork, not where the application is loaded."
        )


def will_start() -> None:
    """Note that a service starts here. From now on, forked children cannot start one."""
    global _started_here
    _started_here = True


def hear_of_forks(service: Forked) -> None:
    """Notify a service of forks for as long as it exists."""
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
for _hook in (_before_fork, _after_fork_in_parent, _after_fork_in_child):
    register(_hook)
