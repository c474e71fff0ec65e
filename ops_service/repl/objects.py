"""The name ``ops``, through which evaluated code uses the service."""

from __future__ import annotations

import os
from collections.abc import Callable

from ops_service.errors import ObjectNotFound

FindObject = Callable[[int, str], object]
"""Takes the id of an object and the name of its type, both as snapshots show them.

Returns a list that holds the object, or a text that gives the reason for a failure.
"""


class Ops:
    """Looks up live objects by the ids that snapshots and reports show."""

    def __init__(self, find_object: FindObject) -> None:
        self._find_object = find_object
        self.terminal_size = os.terminal_size((80, 24))
        """Columns and lines of the caller's terminal, if a session reported them."""

    def object(self, object_id: int, type_name: str, /) -> object:
        """The live object with this id, if its type has this name.

        Another object can take the address meanwhile, so the name of the type is
        required too. Costs a walk over the collector's lists with the GIL held, within
        a time limit.

        Raises:
            ObjectNotFound: The garbage collector tracks no object with this id, or the
                object has another type. Reach untracked objects (strings, numbers, and
                containers of only these) through their holder.
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
