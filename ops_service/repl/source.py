"""Compiles a caller's source as CPython's own prompt would."""

from __future__ import annotations
import __future__

import ast
import codeop
import inspect
from dataclasses import dataclass
from types import CodeType

DISPLAY = "<display>"
"""Builtin that shows the value of an expression. No source can spell the name."""

# Python's syntax tree takes about a hundred times the size of its source.
_MAX_TREE_BYTES = 64 << 10

_MOST_ATTEMPTS = 10

_FEATURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
_ASK = codeop.PyCF_ALLOW_INCOMPLETE_INPUT | codeop.PyCF_DONT_IMPLY_DEDENT  # type: ignore[attr-defined]

COMPILE_ERRORS = (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError)
"""Exceptions that `compile_source` raises for a source that does not compile."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Code to run: statements, then an optional expression whose value is the result."""

    statements: CodeType | None
    expression: CodeType | None
    flags: int
    """Features of ``__future__`` that it switched on, and the given ones."""

    @property
    def awaits(self) -> bool:
        """Whether it awaits at its top level, and therefore needs an event loop."""
        return any(
            code is not None and bool(code.co_flags & inspect.CO_COROUTINE)
            for code in (self.statements, self.expression)
        )


def compile_source(source: str, file_name: str, flags: int = 0) -> Compiled:
    """Compile an expression or statements.

    If the last statement is an expression, its value is the result. Any other
    expression statement at the top level, including loops and branches, passes its
    value to the builtin `DISPLAY`, as at the prompt.

    Args:
        flags: Features of ``__future__`` that earlier input switched on.

    Raises:
        SyntaxError: Or any other exception in `COMPILE_ERRORS`.
    """
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        # The common case, and the cheapest.
        return _compiled(None, compile(source, file_name, "eval", flags, True), flags)
    except SyntaxError:
        pass
    if len(source) > _MAX_TREE_BYTES:
        return _compiled(compile(source, file_name, "exec", flags, True), None, flags)
    tree = _tree_of(source, file_name, flags)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    _show_values(tree)
    statements = compile(tree, file_name, "exec", flags, True) if tree.body else None
    if statements is not None:
        flags |= statements.co_flags & _FEATURES
    expression = None
    if isinstance(last, ast.Expr):
        expression = compile(ast.Expression(last.value), file_name, "eval", flags, True)
    return _compiled(statements, expression, flags)


def _tree_of(source: str, file_name: str, flags: int) -> ast.Module:
    attempts = 0
    while True:
        attempts += 1
        try:
            tree = compile(source, file_name, "exec", flags | ast.PyCF_ONLY_AST, True)
        except SystemError:
            # CPython 3.11 to 3.11.7 (python/cpython issue 106905) counts the depth of all
            # trees in one place. The count is wrong if a collection lets another thread
            # create a tree meanwhile.
            if attempts == _MOST_ATTEMPTS:
                raise
            continue
        assert isinstance(tree, ast.Module)
        return tree


def is_incomplete(source: str, *, at_prompt: bool = False) -> bool:
    """Whether only the end of the source is missing.

    Args:
        at_prompt: Whether only an empty line ends a compound statement, as at an
            interactive prompt.
    """
    if not _stops_short(source, "exec"):
        # "single" takes one statement, and requires a line after a compound one.
        return at_prompt and _compiles(source) and _stops_short(source, "single")
    return True


def _stops_short(source: str, mode: str) -> bool:
    try:
        compile(source, "<input>", mode, _ASK | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
    except SyntaxError as error:
        return error.msg == "incomplete input"
    except COMPILE_ERRORS:
        return False
    return False


def _compiles(source: str) -> bool:
    try:
        compile(source, "<input>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
    except COMPILE_ERRORS:
        return False
    return True


def _compiled(statements: CodeType | None, expression: CodeType | None, flags: int) -> Compiled:
    return Compiled(statements, expression, flags & _FEATURES)


def _show_values(tree: ast.Module) -> None:
    """Make each expression statement at the top level show its value."""
    # A list, not recursion, since a chain of elif is as deep as it is long.
    blocks: list[list[ast.stmt]] = [tree.body]
    while blocks:
        block = blocks.pop()
        for index, statement in enumerate(block):
            if isinstance(statement, ast.Expr):
                block[index] = _shown(statement)
            elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                blocks += _blocks_of(statement)


def _blocks_of(statement: ast.stmt) -> list[list[ast.stmt]]:
    found = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    found += [handler.body for handler in getattr(statement, "handlers", [])]
    found += [case.body for case in getattr(statement, "cases", [])]
    return found


def _shown(statement: ast.Expr) -> ast.Expr:
    value = statement.value
    function = ast.copy_location(ast.Name(DISPLAY, ast.Load()), value)
    call = ast.copy_location(ast.Call(function, [value], []), value)
    return ast.copy_location(ast.Expr(call), statement)
