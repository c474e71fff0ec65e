"""Docstrings that stand under the attributes of a class, which Python itself drops."""

from __future__ import annotations

import ast
import inspect
from functools import cache


@cache
def _classes(path: str) -> dict[str, ast.ClassDef]:
    with open(path, encoding="utf-8") as file:
        nodes = ast.walk(ast.parse(file.read()))
    return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}


def _name(node: ast.stmt) -> str:
    """The one name that a statement assigns, "" if it assigns none."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


def attribute_docstrings(kind: type[object]) -> dict[str, str]:
    """The docstring under each attribute of a class, "" where there is none."""
    body = _classes(inspect.getfile(kind))[kind.__name__].body
    found: dict[str, str] = {}
    for node, after in zip(body, [*body[1:], ast.Pass()], strict=True):
        if not (name := _name(node)):
            continue
        found[name] = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[name] = inspect.cleandoc(str(after.value.value))
    return found
