"""Parameters of operations: read them from a function, and check arguments against them."""

from __future__ import annotations

import enum
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ops_service.errors import ConfigurationError, InvalidRequest

Plain = Any
"""None, bool, int, float, str, and lists and dicts of these."""

_LARGEST_INTEGER = 1 << 53
_LIST_LENGTH = 10_000
_SCALARS: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


class ValueKind(enum.Enum):
    """The kind of value that a parameter takes."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation."""

    name: str
    kind: ValueKind
    """Kind of the value; for a list, kind of its items."""
    is_list: bool = False
    nullable: bool = False
    """Whether null stands for None."""
    choices: tuple[tuple[Plain, Any], ...] = ()
    """Pairs: the value that the caller gives, and the value that the function gets."""
    required: bool = True
    default: Plain = None
    """The default as plain data; None also if it is not plain."""

    def convert(self, value: Plain) -> Any:
        """Convert a value to the argument that the function gets.

        Raises:
            InvalidRequest: The value does not fit. Names the parameter and the values
                that fit.
        """
        if value is None and self.nullable:
            return None
        if not self.is_list:
            return self._convert_item(value, self.name)
        if not isinstance(value, list) or len(value) > _LIST_LENGTH:
            raise self._refusal(self.name)
        return [
            self._convert_item(item, f"{self.name}[{index}]") for index, item in enumerate(value)
        ]

    def describe(self) -> str:
        """The accepted values, in words."""
        what = self.kind.value
        if self.kind is ValueKind.CHOICE:
            what = "one of " + ", ".join(repr(shown) for shown, _ in self.choices)
        elif self.kind is ValueKind.INTEGER:
            what = f"whole number up to {_LARGEST_INTEGER}, positive or negative"
        if self.is_list:
            what = f"list of at most {_LIST_LENGTH}, each: {what}"
        return f"{what}, or null" if self.nullable else what

    def _convert_item(self, value: Plain, name: str) -> Any:
        match self.kind:
            case ValueKind.STRING if isinstance(value, str):
                return value
            case ValueKind.BOOLEAN if isinstance(value, bool):
                return value
            case ValueKind.NUMBER if isinstance(value, float | int) and not isinstance(value, bool):
                return float(value)
            case ValueKind.INTEGER if isinstance(value, float | int) and not isinstance(
                value, bool
            ):
                # JSON has one type of number. It is exact up to this limit.
                if math.isfinite(value) and value == int(value) and abs(value) <= _LARGEST_INTEGER:
                    return int(value)
            case ValueKind.CHOICE:
                for shown, meant in self.choices:
                    same_type = isinstance(shown, bool) == isinstance(value, bool)
                    if same_type and shown == value:
                        return meant
        raise self._refusal(name)

    def _refusal(self, name: str) -> InvalidRequest:
        return InvalidRequest(
            f"The argument {name} does not fit; give: {self.describe()}.",
            details={"field": f"arguments.{self.name}"},
        )


def check_arguments(
    operation: str, parameters: tuple[Parameter, ...], given: Mapping[str, Plain]
) -> dict[str, Any]:
    """Convert the caller's values to keyword arguments.

    Raises:
        InvalidRequest: A value is unknown, missing, or does not fit.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            choices = f"it takes {', '.join(known)}" if known else "it takes none"
            raise InvalidRequest(
                f"The operation {operation} has no argument {name[:200]!r}; {choices}.",
                details={"field": f"arguments.{name[:200]}"},
            )
    for parameter in parameters:
        if parameter.required and parameter.name not in given:
            raise InvalidRequest(
                f"The operation {operation} needs the argument {parameter.name}: "
                f"{parameter.describe()}.",
                details={"field": f"arguments.{parameter.name}"},
            )
    return {name: known[name].convert(value) for name, value in given.items()}


def read_parameters(
    operation: str, function: Callable[..., Any], context: type
) -> tuple[tuple[Parameter, ...], str | None]:
    """Read the parameters of a function, and the name of its context parameter.

    Raises:
        ConfigurationError: A parameter has a type that no caller can give.
    """
    try:
        hints = typing.get_type_hints(function)
    except Exception as error:
        raise ConfigurationError(
            f"operation {operation}: cannot read the types of its parameters ({error})"
        ) from error
    found: list[Parameter] = []
    context_name = None
    for each in inspect.signature(function).parameters.values():
        if each.kind not in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY):
            raise ConfigurationError(
                f"operation {operation}: the parameter {each.name} cannot be given by name; "
                "write ordinary or keyword-only parameters"
            )
        if each.name not in hints:
            raise ConfigurationError(
                f"operation {operation}: the parameter {each.name} has no type; annotate it"
            )
        if hints[each.name] is context:
            context_name = each.name
            continue
        found.append(_parameter(operation, each, hints[each.name]))
    return tuple(found), context_name


def _parameter(operation: str, each: inspect.Parameter, hint: Any) -> Parameter:
    nullable = is_list = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [part for part in typing.get_args(hint) if part is not type(None)]
        nullable = len(rest) < len(typing.get_args(hint))
        hint = rest[0] if len(rest) == 1 else None
    if typing.get_origin(hint) is list:
        is_list = True
        (hint,) = typing.get_args(hint)
    choices: tuple[tuple[Plain, Any], ...] = ()
    if hint in _SCALARS:
        kind = ValueKind(_SCALARS[hint])
    elif typing.get_origin(hint) is Literal:
        kind = ValueKind.CHOICE
        choices = tuple((value, value) for value in typing.get_args(hint))
        if not all(isinstance(value, str | int | bool) for value, _ in choices):
            hint = None
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        kind = ValueKind.CHOICE
        choices = tuple((name, member) for name, member in hint.__members__.items())
    else:
        hint = None
    if hint is None:
        raise ConfigurationError(
            f"operation {operation}: the parameter {each.name} has a type that callers cannot "
            "give; choose str, int, float, bool, an Enum, a Literal, a list of these, or one of "
            "these or None"
        )
    required = each.default is each.empty
    default = None if required else _plain_default(each.default)
    return Parameter(each.name, kind, is_list, nullable, choices, required, default)


def _plain_default(value: Any) -> Plain:
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, list | tuple):
        return [_plain_default(item) for item in value]
    return value if type(value) in (str, int, float, bool) else None
