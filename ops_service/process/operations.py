"""Operations that the application offers to its operators.

    @ops_service.operation("cache.clear")
    def clear(prefix: str, limit: int = 100, *, context: ops_service.OperationContext) -> int:
        '''Drop cached pages whose path begins with a prefix.'''
        ...

A caller who has OPERATE and a grant that lists ``cache.*`` may run it, with
``opsctl ops run cache.clear prefix=/shop``. Its parameters have types. Arguments that
do not fit are refused before the function is called.
"""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from ops_service.errors import ConfigurationError, NoSuchOperation
from ops_service.process.operation_run import OperationContext
from ops_service.process.operation_schema import Parameter, read_parameters

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_NAME_LENGTH = 200
_TEXT_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Operation:
    """A function that operators may run."""

    name: str
    function: Callable[..., Any]
    description: str
    """Its docstring."""
    parameters: tuple[Parameter, ...]
    context_name: str | None
    """The parameter that takes an `OperationContext`, if it has one."""
    is_async: bool
    time_limit: float
    """Seconds after which a run is asked to end."""
    max_concurrent: int


_lock = threading.Lock()
_registered: dict[str, Operation] = {}


@overload
def operation(name: F) -> F: ...
@overload
def operation(
    name: str | None = None, *, time_limit: float = 60.0, max_concurrent: int = 1
) -> Callable[[F], F]: ...


def operation(name: Any = None, *, time_limit: float = 60.0, max_concurrent: int = 1) -> Any:
    """Offer a function to operators. The function itself does not change.

    A plain function runs in its own thread; a coroutine function runs on the
    application's event loop. Parameters are ``str``, ``int``, ``float``, ``bool``,
    an ``Enum``, a ``Literal``, lists of these, or one of these or ``None``. A
    parameter of the type `OperationContext` gets the context of the run. Operators
    read the docstring. The caller gets the return value if it is plain data. The
    caller gets the text of an exception only if it is an `OperationFailed`.

    Args:
        name: The name in grants and calls, such as "cache.clear". By default the
            function's own name.
        time_limit: Seconds after which a run is asked to end.
        max_concurrent: Maximum number of runs at once.

    Raises:
        ConfigurationError: The name, a limit or a parameter is not valid.
    """
    if callable(name):
        _register(name, None, 60.0, 1)
        return name

    def decorate(function: F) -> F:
        _register(function, name, time_limit, max_concurrent)
        return function

    return decorate


def _register(
    function: Callable[..., Any], name: str | None, time_limit: float, max_concurrent: int
) -> None:
    if name is None:
        name = function.__name__
    if not isinstance(name, str) or len(name) > _NAME_LENGTH or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"operation {name!r}: choose a name of letters, digits and underscores, with dots "
            'between its parts, such as "cache.clear"'
        )
    if not 0 < time_limit <= 24 * 3600 or not 1 <= max_concurrent <= 100:
        raise ConfigurationError(
            f"operation {name}: choose a time_limit up to 86400 seconds and max_concurrent from "
            "1 to 100"
        )
    parameters, context_name = read_parameters(name, function, OperationContext)
    made = Operation(
        name=name,
        function=function,
        description=(inspect.getdoc(function) or "")[:_TEXT_LENGTH],
        parameters=parameters,
        context_name=context_name,
        is_async=inspect.iscoroutinefunction(function),
        time_limit=float(time_limit),
        max_concurrent=max_concurrent,
    )
    with _lock:
        other = _registered.get(name)
        # A reloaded module registers the same function again.
        if other is not None and _place(other.function) != _place(function):
            raise ConfigurationError(
                f"operation {name} is already registered by {'.'.join(_place(other.function))}; "
                "choose another name"
            )
        _registered[name] = made


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    return function.__module__, function.__qualname__


def operations() -> list[Operation]:
    """All registered operations, by name."""
    return [found for _, found in sorted(_registered.copy().items())]


def find_operation(name: str) -> Operation:
    """Find an operation by name.

    Raises:
        NoSuchOperation: No operation has this name.
    """
    found = _registered.get(name)
    if found is None:
        raise NoSuchOperation(
            f"This process has no operation {name[:_NAME_LENGTH]!r}; ListOperations lists the "
            "operations."
        )
    return found
