"""The string table of a ``.heapsnapshot`` file."""

from __future__ import annotations


class StringTable:
    """Strings in the order in which they were first asked for."""

    def __init__(self) -> None:
        self.strings = ["<dummy>"]
        self._indexes: dict[str, int] = {}

    def index(self, text: str) -> int:
        """Index of a string, which is added if it is new."""
        found = self._indexes.get(text)
        if found is None:
            found = self._indexes[text] = len(self.strings)
            self.strings.append(text)
        return found


def value_name(text: str) -> str:
    """A value as loaders show it: they take "Object(" for a sign of another file."""
    return f" {text}" if text.startswith("Object(") else text


def node_name(name: str) -> str:
    """A name of a node as loaders show it whole.

    They cut a name that begins with "<" at its first space, and take one that
    begins with "Object(" for a sign of another kind of file.
    """
    if not name:
        return "(unnamed)"
    if name.startswith(("<", "Object(")):
        return f"type {name}"
    return name
