"""What evaluated code asks the service for: the name ``ops``."""

from __future__ import annotations

import os
from collections.abc import Callable

FindObject = Callable[[int, str], object]
"""Takes the id of an object and the name of its type, both as snapshots show them.

Returns the object in a list of one, or a sentence that says why there is none.
"""


class ObjectNotFound(LookupError):
    """NOT_FOUND: no tracked object of that type is there now."""


class Ops:
    """Looks up live objects by the ids that snapshots and reports show."""

    def __init__(self, find_object: FindObject) -> None:
        self._find_object = find_object
        self.terminal_size = os.terminal_size((80, 24))
        """Columns and lines of the caller's terminal, where a session told them."""

    def object(self, object_id: int, type_name: str, /) -> object:
        """The live object with this id, if its type has this name.

        An address can be taken by another object meanwhile, so the name of the
        type is asked for too. Costs a walk over the collector's lists, with the
        GIL held, within a bound of time.

        Raises:
            ObjectNotFound: Nothing that the garbage collector tracks is there, or it
                is of another type. What it does not track (strings, numbers, and
                containers of such alone) is reached through its holder.
        """
        if type(object_id) is not int or type(type_name) is not str:
            raise TypeError(
                'write ops.object(id, "module.Type"), with both as a snapshot shows them'
            )
        found = self._find_object(object_id, type_name)
        if isinstance(found, list):
            return found[0]
        raise ObjectNotFound(f"NOT_FOUND: {found}")

    def __repr__(self) -> str:
        return '<ops: ops.object(id, "module.Type") finds a live object of a snapshot>'
