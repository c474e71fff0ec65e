"""The names that evaluated code sees, and where its output goes.

The process's own ``sys.stdout`` is never touched, so nothing that the
application prints is caught, and nothing that it does with its streams breaks.
Instead evaluated code gets builtins of its own, in which

- ``print`` and ``help`` write to the evaluation's output,
- ``import sys`` gives a view of `sys` with streams of its own, and
- ``import objgraph``, ``pprint`` or ``traceback`` gives a private copy, whose
  code sees these builtins too.

All of that is routed by thread. So the limits: a function of any other module
prints to the process's own streams, and so does a thread that evaluated code
starts. Hand such a function a stream (``file=sys.stdout``) where it takes one.
"""

from __future__ import annotations

import builtins
import gc
import importlib.util
import pydoc
import sys
import threading
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from ops_service.repl.output import OutputBuffer

# Small modules of pure Python whose use is to print.
_COPIED = ("objgraph", "pprint", "traceback")


class _Routes(threading.local):
    """The streams of the evaluation that runs in the current thread."""

    streams: dict[str, Any] | None = None


class _SysView(types.ModuleType):
    """`sys`, with the streams of the evaluation in the threads that run one."""

    def __init__(self, routes: _Routes) -> None:
        super().__init__("sys", sys.__doc__)
        self.__dict__["_routes"] = routes

    def __getattr__(self, name: str) -> Any:
        streams = self.__dict__["_routes"].streams
        if streams is not None and name in streams:
            return streams[name]
        return getattr(sys, name)

    def __setattr__(self, name: str, value: Any) -> None:
        streams = self.__dict__["_routes"].streams
        if streams is not None and name in streams:
            streams[name] = value
        else:
            setattr(sys, name, value)

    def __dir__(self) -> list[str]:
        return dir(sys)


class Namespace:
    """Makes the globals of evaluations."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        """
        Args:
            names: What the application adds, read anew for each evaluation.
        """
        self._names = names
        self._routes = _Routes()
        self._sys = _SysView(self._routes)
        self._replaced: dict[str, types.ModuleType] = {"sys": self._sys}
        self._builtins = self._make_builtins()

    def make_globals(self) -> dict[str, Any]:
        """Fresh globals for one evaluation. Call it in the evaluating thread."""
        return {
            # First, so that globals() of a module can be given.
            **self._names,
            "__name__": "__evaluation__",
            "__builtins__": dict(self._builtins),
            "gc": gc,
            "sys": self._sys,
            "objgraph": self._import("objgraph"),
        }

    @contextmanager
    def route_output(self, output: OutputBuffer) -> Iterator[None]:
        """Let the current thread print into the buffer."""
        self._routes.streams = dict(output.streams)
        try:
            yield
        finally:
            self._routes.streams = None

    def _make_builtins(self) -> dict[str, Any]:
        def routed_print(*values: object, file: Any = None, **options: Any) -> None:
            print(*values, file=self._sys.stdout if file is None else file, **options)

        def routed_help(thing: object = builtins, /) -> None:
            routed_print(pydoc.plain(pydoc.render_doc(thing)))

        def no_input(prompt: object = "", /) -> NoReturn:
            raise EOFError("an evaluation has no standard input")

        def no_debugger(*args: object, **options: object) -> NoReturn:
            raise RuntimeError("an evaluation has no terminal for a debugger")

        # site's own exit also closes the process's standard input.
        def leave(code: object = None, /) -> NoReturn:
            raise SystemExit(code)

        return {
            **vars(builtins),
            "__import__": self._import,
            "print": routed_print,
            "help": routed_help,
            "input": no_input,
            "breakpoint": no_debugger,
            "exit": leave,
            "quit": leave,
        }

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: tuple[str, ...] = (),
        level: int = 0,
    ) -> types.ModuleType:
        if level == 0:
            if name in _COPIED and name not in self._replaced:
                self._replaced[name] = self._copy(name)
            if name in self._replaced:
                return self._replaced[name]
        return __import__(name, globals, locals, fromlist or (), level)

    def _copy(self, name: str) -> types.ModuleType:
        """Load a module a second time, under builtins of ours and unknown to `sys.modules`."""
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        module = importlib.util.module_from_spec(spec)
        module.__dict__["__builtins__"] = self._builtins
        spec.loader.exec_module(module)
        return module
