"""The words for roots, for the paths from them, and for holders.

The command line, the pages and the converted snapshots all use them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_service.v1 import heap_graph_pb2 as pb

# Commands on files do not need it.
if TYPE_CHECKING:
    from ops_service.v1 import growth_pb2

FOLDED = "[…]"
"""Any element or key of a container."""
ARROW = " -> "
"""A step without an attribute, a key or a name in code."""
HELD_BY = "held by"
SEVERAL_HOLDERS = "several roots or holders"
MODULES = "sys.modules"

_ROOTS = {
    # Modules need no word: their own names begin a path.
    pb.HEAP_ROOT_KIND_MODULES: "",
    pb.HEAP_ROOT_KIND_INTERPRETER: "the interpreter",
    pb.HEAP_ROOT_KIND_THREAD: "thread",
    pb.HEAP_ROOT_KIND_FRAME: "frame",
    pb.HEAP_ROOT_KIND_OPS_SERVICE: "ops_service",
    pb.HEAP_ROOT_KIND_HELD_BY_C: "C code alone",
    pb.HEAP_ROOT_KIND_OTHER_INTERPRETER: "interpreter",
}
# In a .heapsnapshot, a root is a node beside those of the application. So a root without
# a name in the application is in parentheses, like Chrome's roots.
_ROOT_NODES = {
    pb.HEAP_ROOT_KIND_MODULES: MODULES,
    pb.HEAP_ROOT_KIND_INTERPRETER: "(interpreter)",
    pb.HEAP_ROOT_KIND_THREAD: "thread",
    pb.HEAP_ROOT_KIND_FRAME: "frame",
    pb.HEAP_ROOT_KIND_OPS_SERVICE: "(ops_service)",
    pb.HEAP_ROOT_KIND_HELD_BY_C: "(held by C code)",
    pb.HEAP_ROOT_KIND_OTHER_INTERPRETER: "interpreter",
}
# A path to less than this share of a type's objects says little about the type.
_RARE = 0.1


def path_start(root: pb.HeapRoot) -> str:
    """Return the beginning of a path from a root; empty for `sys.modules`."""
    return _with_name(_ROOTS.get(root.kind, "a root"), root.name)


def root_label(root: pb.HeapRoot) -> str:
    """Return the label of a root without a path."""
    return _with_name(_ROOTS.get(root.kind) or MODULES, root.name)


def unnamed_start(label: str, *, is_garbage: bool) -> str:
    """Return the beginning of a path at an object that no root holds."""
    return f"{'a garbage cycle' if is_garbage else 'the interpreter'}{ARROW}{label}"


def root_node(root: pb.HeapRoot) -> str:
    """Return the name of a root in a .heapsnapshot."""
    name = _with_name(_ROOT_NODES.get(root.kind, "(root)"), root.name)
    return f"{name} ({root.thread_id})" if root.kind == pb.HEAP_ROOT_KIND_THREAD else name


def held_by(share: float) -> str:
    """Return the words before a path that leads to this share of the objects, 0 to 1."""
    if share == 1:
        return HELD_BY
    if share < _RARE:
        return f"held in many ways, as {HELD_BY.removeprefix('held ')}"
    return f"held most often, {share:.0%} of them, {HELD_BY.removeprefix('held ')}"


def holder_text(holder: growth_pb2.HeapGrowthHolder) -> str:
    """Return the path of a leak's holder, and its owner's type if it is an attribute."""
    owner = f", of a {holder.owner_type}" if holder.owner_type else ""
    return f"{holder.path}{owner}"


def _with_name(word: str, name: str) -> str:
    return " ".join(each for each in (word, name) if each)
