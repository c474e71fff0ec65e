"""Command line and environment of the process. Values are withheld unless listed by name."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_COUNT = 2000
_NAME_LENGTH = 200
_VALUE_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable, or an argument of the command line."""

    name: str
    value: str | None
    """None if its name is not listed, or if an option has no value."""


def environment(shown: Collection[str]) -> list[Setting]:
    """Environment variables by name, with the values of those listed."""
    return [_setting(name, value, shown) for name, value in sorted(os.environ.items())[:_COUNT]]


def arguments(shown: Collection[str]) -> list[Setting]:
    """Arguments of the command line in order, with the values of those listed.

    An option is its own name, and the word after it counts as its value. The name of
    any other argument is its position; "0" is the interpreter.
    """
    return [_setting(name, value, shown) for name, value in _named(sys.orig_argv[:_COUNT])]


def _named(line: Iterable[str]) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for index, word in enumerate(line):
        if word.startswith("-") and len(word) > 1:
            name, equals, value = word.partition("=")
            found.append((name, value if equals else None))
        elif found and found[-1][0].startswith("-") and found[-1][1] is None:
            found[-1] = (found[-1][0], word)
        else:
            found.append((str(index), word))
    return found


def _setting(name: str, value: str | None, shown: Collection[str]) -> Setting:
    told = value[:_VALUE_LENGTH] if value is not None and name in shown else None
    return Setting(name[:_NAME_LENGTH], told)
