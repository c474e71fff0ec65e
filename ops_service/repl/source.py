"""Compiles what a caller sent as CPython's own prompt would."""

from __future__ import annotations
import __future__

import ast
import codeop
import inspect
from dataclasses import dataclass
from types import CodeType

DISPLAY = "<display>"
"""Builtin that shows the value of an expression. No source can spell the name."""

# Python's tree of a source takes some hundred times its size.
_MAX_TREE_BYTES = 64 << 10

_MOST_ATTEMPTS = 10

_FEATURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
_ASK = codeop.PyCF_ALLOW_INCOMPLETE_INPUT | codeop.PyCF_DONT_IMPLY_DEDENT  # type: ignore[attr-defined]

COMPILE_ERRORS = (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError)
"""What `compile_source` raises, by the reasons that a source has not to compile."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Code to run: statements, then perhaps an expression whose value is the result."""

    statements: CodeType | None
    expression: CodeType | None
    flags: int
    """Features of ``__future__`` that it switched on, and those it was given."""

    @property
    def awaits(self) -> bool:
        """Whether it awaits at its top level, and so needs an event loop."""
        return any(
            code is not None and bool(code.co_flags & inspect.CO_COROUTINE)
            for code in (self.statements, self.expression)
        )


def compile_source(source: str, file_name: str, flags: int = 0) -> Compiled:
    """Compile an expression or statements.

    If the last statement is an expression, its value is the result. The value of
    any other expression statement at the top level, loops and branches included,
    is handed to the builtin `DISPLAY`, as the prompt does.

    Args:
        flags: Features of ``__future__`` that earlier input switched on.

    Raises:
        SyntaxError: And whatever else stands in `COMPILE_ERRORS`.
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
            # trees in one place, and is wrong if a collection lets another thread make one.
            if attempts == _MOST_ATTEMPTS:
                raise
            continue
        assert isinstance(tree, ast.Module)
        return tree


def is_incomplete(source: str, *, at_prompt: bool = False) -> bool:
    """Whether only the end of the source is missing.

    Args:
        at_prompt: Whether a compound statement ends with an empty line only,
            as it does where somebody types.
    """
    if not _stops_short(source, "exec"):
        # "single" takes one statement, and wants a line behind a compound one.
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
    """Let each expression statement at the top level show its value."""
    # A list of its own, not recursion: a chain of elif is as deep as it is long.
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
