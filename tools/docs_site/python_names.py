"""The Python names that applications and scripts use, for Sphinx to read their docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import ops_client
import ops_service
from ops_client import errors

# What the configuration's page and the page of errors document.
_ELSEWHERE = ("Config", "Grant", "Error")


def client_names() -> str:
    """The names of ops_client, and its exceptions."""
    lines = ["## Clients and what they return\n"]
    for name in ops_client.__all__:
        # The asynchronous client has the same methods, and its page would say all twice.
        members = name != "AsyncMaintenanceClient"
        lines += _directive("class", f"ops_client.{name}", members=members)
    lines.append("\n## Exceptions\n")
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if kind.__module__ == errors.__name__:
            lines += _directive("exception", f"ops_client.errors.{name}", members=False)
    return "\n".join(lines)


def documented_elsewhere(name: str) -> bool:
    """Whether another page of the reference has a public name of ops_service."""
    return name.endswith(_ELSEWHERE)


def host_names() -> str:
    """The names of ops_service, but for the tables of the configuration and the errors."""
    lines: list[str] = []
    for name in ops_service.__all__:
        if documented_elsewhere(name):
            continue
        value = getattr(ops_service, name)
        kind = "class" if inspect.isclass(value) else "function"
        if kind == "class" and issubclass(value, Exception):
            kind = "exception"
        lines += _directive(kind, f"ops_service.{name}", members=kind == "class")
    return "\n".join(lines)


def _directive(kind: str, name: str, *, members: bool) -> Iterator[str]:
    yield f"```{{eval-rst}}\n.. auto{kind}:: {name}"
    if members:
        yield "   :members:\n   :inherited-members:"
    elif kind == "exception":
        yield "   :show-inheritance:"
    yield "```\n"
