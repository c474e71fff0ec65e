"""The names that evaluated code sees, and where its output goes.

The console never changes the process's own ``sys.stdout``. So it captures nothing that
the application prints, and does not break the application's use of its streams.
Instead evaluated code gets its own builtins, in which

- ``print`` and ``help`` write to the evaluation's output,
- ``import sys`` returns a view of `sys` with its own streams, and
- ``import objgraph``, ``pprint`` or ``traceback`` returns a private copy, whose
  code sees these builtins too.

A function keeps the builtins under which it was defined. So all of this is true in
every thread and task that runs evaluated code. A function of any other module prints
to the process's own streams; pass it a stream (``file=sys.stdout``) if it accepts one.
"""

from __future__ import annotations

import builtins
import functools
import gc
import importlib.util
import sys
import types
from collections.abc import Mapping
from typing import Any, NoReturn

from ops_service.repl.objects import FindObject, Ops
from ops_service.repl.output import STDOUT, OutputBuffer
from ops_service.repl.source import DISPLAY
from ops_service.repl.text import bounded_message, bounded_repr

# Small modules of pure Python that print, and linecache, their source of lines.
_COPIED = ("linecache", "objgraph", "pprint", "traceback")

# Sources of one console that tracebacks can show.
_MAX_SOURCES = 100


class _SysView(types.ModuleType):
    """`sys`, with the streams of one console."""

    def __init__(self, streams: Mapping[str, Any]) -> None:
        super().__init__("sys", sys.__doc__)
        self.__dict__["_streams"] = dict(streams)

    def __getattr__(self, name: str) -> Any:
        streams = self.__dict__["_streams"]
        return streams[name] if name in streams else getattr(sys, name)

    def __setattr__(self, name: str, value: Any) -> None:
        streams = self.__dict__["_streams"]
        if name in streams:
            streams[name] = value
        else:
            setattr(sys, name, value)

    def __dir__(self) -> list[str]:
        return dir(sys)


class _LazyCopy(types.ModuleType):
    """A private copy of a module, loaded at the first access."""

    def __init__(self, name: str, console: Console) -> None:
        super().__init__(name)
        self.__dict__["_console"] = console

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_console"].copy_of(self.__name__), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_console"].copy_of(self.__name__), name, value)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_console"].copy_of(self.__name__))


class Console:
    """Names, builtins and output of one evaluation, or of all evaluations of a session."""

    def __init__(
        self,
        names: Mapping[str, Any],
        output: OutputBuffer,
        *,
        result_limit: int,
        find_object: FindObject,
    ) -> None:
        """
        Args:
            names: Names that the application adds, read again by `refresh`.
            output: Receives what evaluated code prints.
            result_limit: Maximum bytes of UTF-8 of a value's text.
            find_object: Finds a live object by its id and type name.
        """
        self.output = output
        self.flags = 0
        self.ops = Ops(find_object)
        self._names = names
        self._result_limit = result_limit
        self._sys = _SysView(output.streams)
        self._copies: dict[str, types.ModuleType] = {}
        self._sources: dict[str, str] = {}
        self.builtins = self._make_builtins()
        objgraph = _LazyCopy("objgraph", self)
        self._replaced: dict[str, types.ModuleType] = {"sys": self._sys, "objgraph": objgraph}
        self._given: dict[str, Any] = {}
        self.globals: dict[str, Any] = {
            "__name__": "__evaluation__",
            "__builtins__": self.builtins,
            "gc": gc,
            "sys": self._sys,
            "objgraph": objgraph,
            "ops": self.ops,
        }

    def refresh(self) -> None:
        """Copy the current values of the application's names, except names that code changed.

        Call it in the evaluating thread, because the mapping belongs to the application.
        """
        for name, value in list(self._names.items()):
            if name not in self.globals or self.globals[name] is self._given.get(name, self):
                self.globals[name] = self._given[name] = value

    def keep_source(self, file_name: str, source: str) -> None:
        """Let tracebacks show lines of this source."""
        self._sources[file_name] = source
        while len(self._sources) > _MAX_SOURCES:
            del self._sources[next(iter(self._sources))]
        if "linecache" in self._copies:
            self._fill(self._copies["linecache"])

    def copy_of(self, name: str) -> types.ModuleType:
        """This console's private copy of a module."""
        if name not in self._copies:
            module = _load(name, self.builtins)
            if name == "linecache":
                self._fill(module)
            elif name == "traceback":
                self._bound_messages(module)
            self._copies[name] = module
        return self._copies[name]

    def behind(self, value: Any) -> Any:
        """The module behind this console's view or a lazy copy; any other value itself."""
        if value is self._sys:
            return sys
        if type(value) is _LazyCopy:
            return self.copy_of(value.__name__)
        return value

    def remember(self, value: object) -> None:
        """Store a value as ``_``, the last value, as the prompt does."""
        self.builtins["_"] = value

    def _fill(self, linecache: types.ModuleType) -> None:
        # linecache does not look on disk for an entry without a modification time.
        linecache.cache.update(
            (name, (len(source), None, source.splitlines(keepends=True), name))
            for name, source in list(self._sources.items())
        )

    def _bound_messages(self, traceback: Any) -> None:
        # The text of an exception may be as long as memory.
        whole = traceback._safe_string

        def safe_string(value: Any, what: Any, func: Any = str) -> Any:
            if func is str and isinstance(value, BaseException):
                return whole(value, what, lambda error: bounded_message(error, self._result_limit))
            return whole(value, what, func)

        traceback._safe_string = safe_string

    def release(self) -> None:
        """Release every object that evaluated code named, after its last run.

        Otherwise they would live until the next full collection, because the console
        and its functions refer to each other. Functions that outlive the console keep
        their names.
        """
        self.builtins.pop("_", None)
        self.globals, self.builtins, self._given, self._names = {}, {}, {}, {}

    def _display(self, value: object, /) -> None:
        if value is None:
            return
        self.remember(value)
        text, was_cut = bounded_repr(value, self._result_limit)
        self.output.append(STDOUT, f"{text}… (cut)\n" if was_cut else f"{text}\n")

    def _make_builtins(self) -> dict[str, Any]:
        def routed_print(*values: object, file: Any = None, **options: Any) -> None:
            print(*values, file=self._sys.stdout if file is None else file, **options)

        def routed_help(thing: object = builtins, /) -> None:
            # Few callers need it, and every port would pay for the import.
            import pydoc

            routed_print(pydoc.plain(pydoc.render_doc(thing)))

        def no_input(prompt: object = "", /) -> NoReturn:
            raise EOFError("an evaluation has no standard input")

        def no_debugger(*args: object, **options: object) -> NoReturn:
            raise RuntimeError("an evaluation has no terminal for a debugger")

        # site's own exit also closes the process's standard input.
        def leave(code: object = None, /) -> NoReturn:
            raise SystemExit(code)

        return {
            # The process's own underscore is not this console's last value.
            **{name: value for name, value in vars(builtins).items() if name != "_"},
            "__import__": self._import,
            DISPLAY: self._display,
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
            if name in self._replaced:
                return self._replaced[name]
            if name in _COPIED:
                return self.copy_of(name)
        return __import__(name, globals, locals, fromlist or (), level)


@functools.cache
def _code_of(name: str) -> tuple[Any, types.CodeType]:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return spec, spec.loader.get_code(name)  # type: ignore[attr-defined]


def _load(name: str, names: dict[str, Any]) -> types.ModuleType:
    """Load a module a second time, with the given builtins and outside `sys.modules`."""
    spec, code = _code_of(name)
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__builtins__"] = names
    exec(code, module.__dict__)
    return module
