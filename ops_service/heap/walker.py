"""The compiled walker, or a stand-in for its numbers where there is none.

Numbers that the walker writes and Python reads stand in C alone, and the extension exports
them. Without it no walk writes anything, so that names of numbers need only differ.

The extension is loaded with this module, since the process may be unable to open a file by
the time that a walk is asked for.
"""

from __future__ import annotations

import importlib
from collections import Counter
from typing import TYPE_CHECKING, Any

__all__ = ["NAME", "NoWalker", "walker"]

NAME = "ops_service.heap._walker"


class NoWalker:
    """Numbers of its own for the names of a family, which begin with the same word: from 1
    on, in the order in which they are first asked for.

    So kinds of edges have the numbers of the contract here too, and the first number of a
    path is above those of the roots.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __getattr__(self, name: str) -> int:
        family, separator, _ = name.partition("_")
        if not separator or not name.isupper():
            raise AttributeError(f"the walker was not compiled, and so has no {name}")
        self._counts[family] += 1
        setattr(self, name, self._counts[family])
        return self._counts[family]


def _load() -> Any:
    try:
        found = importlib.import_module(NAME)
    except (ImportError, OSError):
        return NoWalker()
    # The directory of its sources imports as an empty package.
    return found if hasattr(found, "WALK_PROOF") else NoWalker()


if TYPE_CHECKING:
    from ops_service.heap import _walker as walker
else:
    walker = _load()
