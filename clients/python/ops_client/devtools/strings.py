"""The string table of a ``.heapsnapshot`` file."""

from __future__ import annotations


class StringTable:
    """Strings in the order of their first use."""

    def __init__(self) -> None:
        self.strings = ["<dummy>"]
        self._indexes: dict[str, int] = {}

    def index(self, text: str) -> int:
        """Return the index of a string. Adds the string if it is new."""
        found = self._indexes.get(text)
        if found is None:
            found = self._indexes[text] = len(self.strings)
            self.strings.append(text)
        return found


def value_name(text: str) -> str:
    """Return a value that loaders accept: for them "Object(" marks another kind of file."""
    return f" {text}" if text.startswith("Object(") else text


def node_name(name: str) -> str:
    """Return a node name that loaders show in full.

    Loaders cut a name that begins with "<" at its first space. A name that begins with
    "Object(" marks another kind of file for them.
    """
    if not name:
        return "(unnamed)"
    if name.startswith(("<", "Object(")):
        return f"type {name}"
    return name
