"""Read leak scenarios without importing them.

tests/leakbench/README.md defines the form of a scenario.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERDICTS = ("leak", "no_leak", "native")
_NAMES = ("TRUTH", "REQUIREMENTS")


class NoScenario(Exception):
    """A file is not a scenario. Names the file and the remedy."""


@dataclass(frozen=True)
class Scenario:
    """A scenario, parsed but not imported."""

    name: str
    folder: Path
    truth: dict[str, Any]
    requirements: tuple[str, ...]


def read_scenarios(folder: Path, only: list[str]) -> list[Scenario]:
    """Return all scenarios of a folder, or those in ``only``.

    Raises:
        NoScenario: The form of a file is not that of a scenario.
    """
    return [
        read_scenario(path)
        for path in sorted(folder.glob("*.py"))
        if not path.stem.startswith("_") and (not only or path.stem in only)
    ]


def read_scenario(path: Path) -> Scenario:
    """Read one scenario.

    Raises:
        NoScenario: The form of the file is not that of a scenario.
    """
    try:
        values = assigned(ast.parse(path.read_text()))
    except SyntaxError as error:
        raise NoScenario(f"{path}:{error.lineno} is not Python: {error.msg}") from error
    except NoLiteral as error:
        raise NoScenario(
            f"{path}:{error.node.lineno} has `{ast.unparse(error.node)}` in TRUTH or REQUIREMENTS, "
            "which are read without running the file: write literals, or dict(name=literal)"
        ) from error
    if "TRUTH" not in values:
        raise NoScenario(f"{path} has no TRUTH of literals, so it is not a scenario")
    truth = values["TRUTH"]
    if not isinstance(truth, dict) or truth.get("verdict") not in VERDICTS:
        raise NoScenario(f"{path} has a TRUTH without a verdict, one of {', '.join(VERDICTS)}")
    requirements = tuple(values.get("REQUIREMENTS", ()))
    return Scenario(path.stem, path.parent.resolve(), truth, requirements)


class NoLiteral(Exception):
    """The value of an expression is unknown unless the file runs."""

    def __init__(self, node: ast.expr) -> None:
        super().__init__(ast.unparse(node))
        self.node = node


def assigned(tree: ast.Module) -> dict[str, Any]:
    """Return the values of TRUTH and REQUIREMENTS, if they are present.

    Raises:
        NoLiteral: A value is unknown unless the file runs.
    """
    values = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in _NAMES:
                values[name] = literal(node.value)
    return values


def literal(node: ast.expr) -> Any:
    """Return the value of a literal. ``dict(name=literal)`` counts as a literal.

    Raises:
        NoLiteral: The expression is not a literal.
    """
    match node:
        case ast.Call(func=ast.Name(id="dict"), args=[]):
            if all(each.arg is not None for each in node.keywords):
                return {each.arg: literal(each.value) for each in node.keywords}
        case ast.Dict():
            pairs = list(zip(node.keys, node.values, strict=True))
            if all(key is not None for key, _ in pairs):
                return {literal(key): literal(value) for key, value in pairs if key is not None}
        case ast.List():
            return [literal(each) for each in node.elts]
        case ast.Tuple():
            return tuple(literal(each) for each in node.elts)
        case _:
            try:
                return ast.literal_eval(node)
            except ValueError:
                pass
    raise NoLiteral(node)
