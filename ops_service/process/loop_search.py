"""The event loops whose tasks a capture reads, where asyncio's registers are read by loop."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from ops_service.process.greenlet_stacks import FindInstances
from ops_service.process.loops import loops_of_threads, loops_on_stacks

# The search reads the collector's lists and holds the GIL: some two million objects.
_PAUSE_SECONDS = 0.02

_CANNOT_FIND = (
    "Event loops cannot be found in this process: the service's own was not found in its "
    "thread. Tasks are missing, and so are circles between them."
)
_INCOMPLETE = (
    "Tasks may be missing of event loops that do not run now, and of loops that are not "
    "written in Python and that no asyncio.Runner runs."
)


class LoopSearch:
    """Finds event loops for one capture.

    A loop that runs is found by the frames that run it, and one of ``set_event_loop`` by
    its thread. For others there is no register: the collector's lists are searched for
    them, once a capture.
    """

    def __init__(
        self,
        find_instances: FindInstances | None,
        service_loop: Any = None,
        left_out: Any = None,
    ) -> None:
        """
        Args:
            find_instances: Searches the collector's lists. None if that is not possible.
            service_loop: The service's own loop, which runs now. A proof looks for it.
            left_out: A loop that is not wanted.
        """
        self._find_instances = find_instances
        self._service_loop = service_loop
        self.left_out = left_out
        self._searched: list[weakref.ref[Any]] | None = None
        self.warnings: list[str] = []

    def find(self) -> list[Any]:
        """All loops that are known now."""
        running = list(loops_on_stacks().values())
        if self._searched is None:
            self._searched = self._search()
            if self._service_loop is not None and self._service_loop not in running:
                self.warnings.append(_CANNOT_FIND)
        found = [*running, *loops_of_threads(), *(each() for each in self._searched)]
        by_address = {id(loop): loop for loop in found if loop is not None}
        by_address.pop(id(self.left_out), None)
        return list(by_address.values())

    def _search(self) -> list[weakref.ref[Any]]:
        if self._find_instances is None:
            return []
        found, shortfall = self._find_instances(asyncio.AbstractEventLoop, _PAUSE_SECONDS)
        if shortfall is not None:
            self.warnings.append(f"{_INCOMPLETE} {shortfall}")
        # Weak, so that no loop lives longer between two samples.
        references = []
        for loop in found:
            try:
                references.append(weakref.ref(loop))
            except TypeError:
                continue
        return references
