"""Reads a `Config` from a TOML file.

The file's tables and keys are the fields of the dataclasses in `ops_service.config.model`.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
import types
import typing
from pathlib import Path
from typing import Any

from ops_service.config.checks import check_config
from ops_service.config.model import Config
from ops_service.config.trusted_files import refuse_if_others_may_write
from ops_service.errors import ConfigurationError

ENVIRONMENT_VARIABLE = "OPS_SERVICE_CONFIG"
EVALUATE_VARIABLE = "OPS_SERVICE_EVALUATE"

_WORDING = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}


def load_config(
    path: str | os.PathLike[str] | None = None, *, may_grant_nothing: bool = False
) -> Config:
    """Read and check a configuration file.

    Args:
        path: The TOML file. By default, the file that the environment variable
            ``OPS_SERVICE_CONFIG`` names. Paths in it are relative to its directory.
        may_grant_nothing: Accept a file without grants, with which nobody can call
            anything.

    Raises:
        ConfigurationError: Names the file, the line, the key and the fix.
    """
    if path is None:
        path = os.environ.get(ENVIRONMENT_VARIABLE)
        if not path:
            raise ConfigurationError(
                f"no configuration: pass one to start(), or set {ENVIRONMENT_VARIABLE} "
                "to the path of a TOML file"
            )
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{file}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is not UTF-8; save it as UTF-8") from error
    refuse_if_others_may_write(file, "")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: is not valid TOML: {error}") from error
    try:
        config: Config = _read_table(Config, table, "", file.absolute().parent)
        check_config(config, may_grant_nothing=may_grant_nothing)
    except ConfigurationError as error:
        raise ConfigurationError(f"{_place(file, text, str(error))}: {error}") from None
    return dataclasses.replace(config, source=file.absolute())


def with_place(error: ConfigurationError, source: Path | None) -> ConfigurationError:
    """The same error, with the file and line of the key at the start of its text."""
    if source is None:
        return error
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return error
    return ConfigurationError(f"{_place(source, text, str(error))}: {error}")


def _place(file: Path, text: str, message: str) -> str:
    key = re.match(r"[\w.]+(\[\d+\][\w.]*)*", message)
    line = _line_of(key[0], text) if key else None
    return f"{file}:{line}" if line is not None else str(file)


def _line_of(key: str, text: str) -> int | None:
    """The line of a key such as ``limits.calls`` or ``grants[1].principal``, or of its table.

    tomllib does not report lines. This recognises the usual ways to write tables,
    and ignores others.
    """
    found: int | None = None
    table = ""
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[{1,2})\s*([\w.]+)\s*\]", line):
            table = header[2]
            if header[1] == "[[":
                index = counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{index}]"
        elif assigned := re.match(r'\s*"?([\w.]+)"?\s*=', line):
            name = f"{table}.{assigned[1]}" if table else assigned[1]
            if key == name or key.startswith((f"{name}[", f"{name}.")):
                return number
            continue
        if key == table or key.startswith((f"{table}.", f"{table}[")):
            found = number if found is None or key.startswith(table) else found
    return found


def apply_environment(config: Config) -> Config:
    """Return the configuration, with evaluation off if the environment says so.

    Raises:
        ConfigurationError: The environment variable has an unknown value.
    """
    value = os.environ.get(EVALUATE_VARIABLE, "").strip().lower()
    if value in ("", "on"):
        return config
    if value != "off":
        raise ConfigurationError(
            f"{EVALUATE_VARIABLE} is {value!r}; write off, which overrides the configuration, or "
            "leave it out"
        )
    return dataclasses.replace(
        config, evaluation=dataclasses.replace(config.evaluation, enabled=False)
    )


def _read_table(kind: type[Any], table: dict[str, Any], prefix: str, base: Path) -> Any:
    """Build a dataclass from a table. Refuse unknown keys."""
    hints = typing.get_type_hints(kind)
    fields = {
        field.name: field
        for field in dataclasses.fields(kind)
        if field.metadata.get("in_file", True)
    }
    for key in table:
        if key not in fields:
            raise ConfigurationError(
                f"{prefix}{key} is not a known key; choose from {', '.join(fields)}"
            )
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _read_value(hints[name], table[name], prefix + name, base)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ConfigurationError(f"{prefix}{name} is missing; add it")
    return kind(**values)


def _read_value(kind: Any, value: Any, key: str, base: Path) -> Any:
    """Check one value against the type of its field and convert it."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        (kind,) = (part for part in typing.get_args(kind) if part is not type(None))
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ConfigurationError(f"{key} must be a table; write [{key}]")
        return _read_table(typing.cast("type[Any]", kind), value, f"{key}.", base)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ConfigurationError(f"{key} must be a list, such as [...]")
        element = typing.get_args(kind)[0]
        return tuple(
            _read_value(element, item, f"{key}[{index}]", base) for index, item in enumerate(value)
        )
    if kind is Path:
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"{key} must be the path of a file, as a string")
        return base / Path(value).expanduser()
    # In Python, bool is an int. Here neither is accepted as the other.
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ConfigurationError(f"{key} must be {_WORDING[kind]}, not {value!r}")
    return kind(value)
