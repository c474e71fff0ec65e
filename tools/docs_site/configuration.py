"""Every key of the configuration: type, default, range and docstring, from the dataclasses."""

from __future__ import annotations

import ast
import dataclasses
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs_site.attributes import attribute_docstrings
from docs_site.markdown import code, prose, sentence, table
from ops_service.config import model

_WORDS: dict[object, str] = {
    str: "string",
    Path: "path",
    bool: "true or false",
    int: "integer",
    float: "number",
}


@dataclass(frozen=True)
class Key:
    """One key of the file."""

    table: str
    """The table that it stands in, "" for the top."""
    name: str
    type: str
    default: str
    text: str

    @property
    def path(self) -> str:
        return f"{self.table}.{self.name}" if self.table else self.name


@dataclass(frozen=True)
class Table:
    """One table of the file."""

    name: str
    is_array: bool
    text: str
    keys: tuple[Key, ...]

    @property
    def header(self) -> str:
        return f"[[{self.name}]]" if self.is_array else f"[{self.name}]"


def _inner(kind: Any) -> tuple[Any, bool]:
    """The type that values have, without None, and whether there is a list of them."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        (kind,) = (part for part in typing.get_args(kind) if part is not type(None))
    if typing.get_origin(kind) is tuple:
        return typing.get_args(kind)[0], True
    return kind, False


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return "[]" if value == () else f"{value}"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return "required"
    return "none" if field.default is None else code(_toml(field.default))


def read_tables() -> list[Table]:
    """All tables of the file, in the order of `Config`."""
    hints = typing.get_type_hints(model.Config)
    docstrings = attribute_docstrings(model.Config)
    found = []
    for field in dataclasses.fields(model.Config):
        if not field.metadata.get("in_file", True):
            continue
        kind, is_array = _inner(hints[field.name])
        more = prose(kind.__doc__).partition("\n\n")[2]
        text = f"{sentence(docstrings[field.name])} {more}".strip()
        found.append(Table(field.name, is_array, text, tuple(_keys(field.name, kind))))
    return found


def _keys(name: str, kind: type[Any]) -> Iterator[Key]:
    hints = typing.get_type_hints(kind)
    docstrings = attribute_docstrings(kind)
    for field in dataclasses.fields(kind):
        inner, is_list = _inner(hints[field.name])
        word = f"list of {_WORDS[inner]}s" if is_list else _WORDS[inner]
        yield Key(name, field.name, word, _default(field), docstrings[field.name])


def _bounds_of(path: Path) -> Iterator[tuple[str, str]]:
    """What the checks of a module list as (key, value, least, most)."""
    for node in ast.walk(ast.parse(path.read_text())):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Tuple):
            parts = node.elts
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_check_range":
            parts = node.args
        if len(parts) != 4 or not isinstance(parts[0], ast.Constant):
            continue
        low, high = (
            eval(compile(ast.Expression(part), str(path), "eval"), {"__builtins__": {}})
            for part in parts[2:]
        )
        yield str(parts[0].value), f"{low:,} to {high:,}"


def read_ranges() -> dict[str, str]:
    """The range of each key that has one, by its path."""
    directory = Path(model.__file__).parent
    found: dict[str, str] = {}
    for module in sorted(directory.glob("*.py")):
        for key, text in _bounds_of(module):
            found[key if "." in key else f"rules.{key}"] = text
    return found


def configuration() -> str:
    """The page's generated part."""
    ranges = read_ranges()
    parts = []
    for each in read_tables():
        rows = []
        for key in each.keys:
            kind = f"{key.type}, {ranges[key.path]}" if key.path in ranges else key.type
            rows.append((code(key.name), kind, key.default, prose(key.text)))
        parts.append(f"## `{each.header}`\n\n{each.text}\n")
        parts.append(table(("key", "type", "default", "meaning"), rows))
    return "\n".join(parts)
