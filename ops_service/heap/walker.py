"""The compiled walker, or a stand-in for its constants if it is missing.

Constants that the walker writes and Python reads are defined in C only; the extension exports
them. Without the extension no walk writes anything, so the constants only need to differ.

This module loads the extension at import: by the time of a walk, the process may be unable to
open a file.
"""

from __future__ import annotations

import importlib
from collections import Counter
from typing import TYPE_CHECKING, Any

__all__ = ["NAME", "NoWalker", "walker"]

NAME = "ops_service.heap._walker"


class NoWalker:
    """Numbers constants from 1 in the order of first access, per family.

    Names of one family begin with the same word. So edge kinds have the numbers of the
    contract here too, and PATH_FIRST is above the numbers of the roots.
    """

    def __init__(self, reason: str) -> None:
        """
        Args:
            reason: Why the import failed; "" if there was nothing to import.
        """
        self.reason = reason
        self._counts: Counter[str] = Counter()

    def __getattr__(self, name: str) -> int:
        family, separator, _ = name.partition("_")
        if not separator or not name.isupper():
            raise AttributeError(f"the walker was not compiled, so it has no {name}")
        self._counts[family] += 1
        setattr(self, name, self._counts[family])
        return self._counts[family]


def _load() -> Any:
    try:
        found = importlib.import_module(NAME)
    except ModuleNotFoundError:
        return NoWalker("")
    except (ImportError, OSError) as error:
        return NoWalker(str(error))
    # Without the extension, its source directory imports as an empty package.
    return found if hasattr(found, "WALK_PROOF") else NoWalker("")


if TYPE_CHECKING:
    from ops_service.heap import _walker as walker
else:
    walker = _load()
