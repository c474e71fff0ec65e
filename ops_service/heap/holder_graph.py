"""Result of a search for referrers, as paths written like code, and as a graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from ops_service.heap import path_text
from ops_service.heap.paths import EdgeKind
from ops_service.heap.referrers import Referrers, Step, StepKind

_ROOTS = {
    StepKind.MODULES: "",
    StepKind.INTERPRETER: path_text.INTERPRETER,
    StepKind.THREAD: path_text.THREAD,
    StepKind.FRAME: "frame",
    StepKind.OWN: path_text.OWN,
    StepKind.HELD_BY_C: path_text.HELD_BY_C,
    StepKind.GARBAGE: path_text.GARBAGE,
    StepKind.OTHER_INTERPRETER: path_text.OTHER_INTERPRETER,
}
_TEXT_MAX = 2000
_MAX_ID = 1 << 32


@dataclass(frozen=True, slots=True)
class HolderNode:
    """A node of the graph."""

    step: Step
    is_target: bool


@dataclass(frozen=True, slots=True)
class HolderPath:
    """A path that holds one or more of the objects."""

    text: str
    count: int
    """Number of examined objects that this path holds."""
    nodes: tuple[int, ...]
    """Indexes of the graph's nodes, from the start of the path to one of the objects."""


@dataclass(frozen=True, slots=True)
class Holders:
    """Paths, and the small graph of all their nodes."""

    paths: tuple[HolderPath, ...]
    nodes: tuple[HolderNode, ...]
    edges: tuple[tuple[int, int], ...]
    """Indexes of both ends. The node at the end describes the reference."""
    edge_steps: tuple[Step, ...]
    """For each edge, its step."""
    path_count: int
    """Total number of paths, including those beyond the breadth."""

    def dot(self) -> str:
        """The graph in Graphviz's DOT language."""
        lines = [
            "digraph referrers {",
            '  graph [rankdir="LR"];',
            '  node [shape="box", fontname="sans-serif", fontsize="10"];',
            '  edge [fontname="sans-serif", fontsize="9"];',
        ]
        for place, node in enumerate(self.nodes):
            about = f"\\n{node.step.object_id}" if node.step.object_id else ""
            style = ', style="bold"' if node.is_target else ""
            lines.append(f'  n{place} [label="{_quoted(label(node.step))}{about}"{style}];')
        for (source, target), step in zip(self.edges, self.edge_steps, strict=True):
            style = ', style="dashed"' if step.left_out else ""
            lines.append(f'  n{source} -> n{target} [label="{_quoted(_edge_label(step))}"{style}];')
        return "\n".join([*lines, "}", ""])


def find_holders(found: Referrers, *, breadth: int, folded: bool) -> Holders:
    """Choose up to ``breadth`` paths, and draw their graph.

    Args:
        found: Result of the search.
        breadth: Maximum number of reported paths.
        folded: Count objects with the same path together, most frequent first. Otherwise
            report each path separately, shortest first.
    """
    texts = _Texts(found, folded=folded)
    groups: dict[str, list[Step]] = {}
    for number, way in enumerate(found.ways):
        groups.setdefault(texts.of(way) if folded else str(number), []).append(way)
    chosen = list(groups.values())
    if folded:
        chosen.sort(key=len, reverse=True)
    drawing = _Drawing(found)
    paths = [
        HolderPath(texts.of(ways[0]), len(ways), drawing.add(ways[0])) for ways in chosen[:breadth]
    ]
    return Holders(
        tuple(paths),
        tuple(drawing.nodes),
        tuple(drawing.edges),
        tuple(drawing.edges.values()),
        len(chosen),
    )


class _Drawing:
    def __init__(self, found: Referrers) -> None:
        self._found = found
        self._places: dict[int, int] = {}
        self.nodes: list[HolderNode] = []
        self.edges: dict[tuple[int, int], Step] = {}

    def add(self, way: Step) -> tuple[int, ...]:
        """Draw a path. Return the indexes of its nodes."""
        numbers = []
        before = way.before
        while before:
            numbers.append(before)
            before = self._found.steps[before].before
        numbers.reverse()
        steps = [*(self._found.steps[number] for number in numbers), way]
        # Its step number distinguishes a node that is not an object.
        places = [self._place(step, -number) for step, number in zip(steps, numbers, strict=False)]
        places.append(self._place(way, len(self._found.steps) + len(self.nodes) + _MAX_ID))
        self.nodes[places[-1]] = replace(self.nodes[places[-1]], is_target=True)
        for edge, step in zip(pairwise(places), steps[1:], strict=True):
            self.edges.setdefault(edge, step)
        return tuple(places)

    def _place(self, step: Step, otherwise: int) -> int:
        # An object is one node on all paths that reach it.
        key = step.object_id or otherwise
        if key not in self._places:
            self._places[key] = len(self.nodes)
            self.nodes.append(HolderNode(step, is_target=False))
        return self._places[key]


# ---- text --------------------------------------------------------------------------------


class _Texts:
    """Paths written like code: ``shop.sessions.REGISTRY[…].items[3] (shop.Item)``."""

    def __init__(self, found: Referrers, *, folded: bool) -> None:
        self._steps = found.steps
        self._folded = folded
        self._known: dict[int, tuple[str, str]] = {}

    def of(self, way: Step) -> str:
        text, _ = self._behind(self._up_to(way.before), way)
        if len(text) > _TEXT_MAX:
            text = f"{text[: _TEXT_MAX // 2]} … {text[-_TEXT_MAX // 2 :]}"
        return f"{text or 'sys.modules'} ({label(way)})"

    def _up_to(self, number: int) -> tuple[str, str]:
        """Text up to a step, and its last piece. Cached, because paths share beginnings."""
        numbers = []
        while number and number not in self._known:
            numbers.append(number)
            number = self._steps[number].before
        known = self._known.get(number, ("", ""))
        for number in reversed(numbers):
            known = self._known[number] = self._behind(known, self._steps[number])
        return known

    def _behind(self, known: tuple[str, str], step: Step) -> tuple[str, str]:
        text, last = known
        if not step.before:
            return _beginning(step), ""
        if self._folded and step.left_out:
            return f"{text.removesuffix('…')}…", last
        piece = _piece(step, self._steps[step.before], first=not text, folded=self._folded)
        if self._folded and piece and piece == last:
            # Fold repeats: everything on a chain of the same references has one path.
            return f"{text.removesuffix('…')}…", last
        return text + piece, piece or last


def _beginning(step: Step) -> str:
    text = _ROOTS.get(step.what, "")
    if step.what in (StepKind.HELD_BY_C, StepKind.GARBAGE):
        return f"{text} -> {label(step)}"
    return f"{text} {step.name}".strip()


def _piece(step: Step, before: Step, *, first: bool, folded: bool) -> str:
    if step.left_out:
        return f" … {step.left_out} objects … {label(step)}"
    if step.edge_kind == EdgeKind.ROOT and step.what is StepKind.FRAME:
        return path_text.frame_text(step.name or step.edge_name)
    if step.edge_kind == EdgeKind.ELEMENT and not step.edge_name and not folded:
        return f"[{step.element}]"
    before_type = "frame" if before.what is StepKind.FRAME else before.type_name
    return path_text.edge_text(
        step.edge_kind, step.edge_name, label(step), before_type, first=first
    )


def label(step: Step) -> str:
    """Label of a step: its type, the name of a class, or the name of a root."""
    if step.what is StepKind.MODULES:
        return "sys.modules"
    if step.what in (StepKind.OBJECT, StepKind.HELD_BY_C, StepKind.GARBAGE):
        return f"class {step.name}" if step.name else step.type_name
    return f"{_ROOTS[step.what]} {step.name}".rstrip()


def _edge_label(step: Step) -> str:
    if step.left_out:
        return f"… {step.left_out} objects …"
    if step.edge_name:
        return step.edge_name
    if step.edge_kind == EdgeKind.ELEMENT:
        return f"[{step.element}]"
    return path_text.FOLDED if step.edge_kind in (EdgeKind.KEY, EdgeKind.VALUE) else ""


def _quoted(text: str) -> str:
    """Escape text for the quotes of a DOT file."""
    plain = "".join(each if each.isprintable() else "�" for each in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')
