"""Which part may import which, and the public names of the packages."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"ops_service": ROOT / "ops_service", "ops_client": ROOT / "clients/python/ops_client"}

# These do not know that they are remote.
CAPABILITIES = ("heap", "leaks", "process", "repl", "store")

# For each room of the host's side, the rooms that it may import. A room is a package of
# ops_service, or one of the few single modules. All may import errors and log. The list
# goes from the bottom up: no room may import a room of a later row.
MAY_IMPORT = {
    "varint": set(),
    "heap": {"varint"},
    "leaks": {"heap"},
    "repl": set(),
    "process": {"heap"},
    "store": {"varint"},
    "call": set(),
    "threads": set(),
    "config": set(),
    "private_grpc": {"heap"},
    "tls": {"config", "private_grpc"},
    "gate": {"call", "config", "private_grpc", "tls", "v1"},
    "messages": {"config", "heap", "leaks", "process", "repl", "v1", "varint"},
    "watch": {"config", "heap", "leaks", "messages", "process", "store", "v1"},
    "rpc": {"call", "config", "messages", "threads", "v1", "varint", "watch"} | {*CAPABILITIES},
    "server": {"config", "gate", "private_grpc", "rpc", "threads", "tls", "v1", "watch"}
    | {*CAPABILITIES} - {"leaks"},
    "integrations": {"server", "threads"},
    "pytest_plugin": {"heap", "leaks", "watch"},
    "__main__": {"integrations"},
}
OPEN = ("errors", "log", "version")
WIRE = {"grpc", "grpc_health", "grpc_reflection", "google"}


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Every hand-written module of a package, with its dotted name."""
    base = PACKAGES[package]
    for path in sorted(base.rglob("*.py")):
        parts = (package, *path.relative_to(base).with_suffix("").parts)
        name = ".".join(parts).removesuffix(".__init__")
        if not name.startswith("ops_service.v1"):
            yield name, path


def imports(name: str, path: Path) -> set[str]:
    """Dotted names that a module imports, including imports inside functions."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                stem = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*stem, *([node.module] if node.module else [])])
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def room(dotted: str) -> str:
    """The room of ops_service that contains a dotted name, "" for the package itself."""
    return dotted.split(".")[1] if "." in dotted else ""


def of(package: str, dotted: str) -> bool:
    """Whether a dotted name is the package or lies inside it."""
    return dotted.split(".")[0] == package


def strays(find: Callable[[str], set[str]], names: Iterable[str]) -> dict[str, set[str]]:
    """The violations that a rule finds, by module. One test covers all modules: a case for
    each would cost more than its work."""
    return {name: found for name in names if (found := find(name))}


HOST = {name: imports(name, path) for name, path in modules("ops_service")}
CLIENT = {name: imports(name, path) for name, path in modules("ops_client")}


def test_imports_of_the_host_go_one_way() -> None:
    rooms = {room(name) for name in HOST} - {"", *OPEN}
    assert rooms - MAY_IMPORT.keys() == set(), "a new room: say in MAY_IMPORT what it may import"

    def foreign(name: str) -> set[str]:
        own = room(name)
        allowed = set() if own in OPEN else MAY_IMPORT[own] | {own, *OPEN}
        inside = {one for one in HOST[name] if one.startswith("ops_service.")}
        return {one for one in inside if room(one) not in allowed}

    assert strays(foreign, (name for name in HOST if room(name))) == {}


def test_capabilities_know_nothing_of_the_wire() -> None:
    def wire(name: str) -> set[str]:
        return {found for found in HOST[name] if found.split(".")[0] in WIRE}

    assert strays(wire, (name for name in HOST if room(name) in CAPABILITIES)) == {}


def test_leaks_stand_on_the_census_alone() -> None:
    allowed = tuple(f"ops_service.heap.{each}" for each in ("growth_sample", "model", "path"))

    def beyond(name: str) -> set[str]:
        of_heap = {found for found in HOST[name] if found.startswith("ops_service.heap")}
        return {found for found in of_heap if not found.startswith(allowed)}

    assert strays(beyond, (name for name in HOST if room(name) == "leaks")) == {}


def test_the_table_has_no_way_back() -> None:
    assert len(MAY_IMPORT) <= 20
    for number, (name, allowed) in enumerate(MAY_IMPORT.items()):
        below = {*list(MAY_IMPORT)[:number], "v1"}
        assert allowed <= below, f"{name} imports what stands above it"


def test_the_table_allows_no_more_than_is_used() -> None:
    used = {
        (room(name), room(one))
        for name, found in HOST.items()
        for one in found
        if "." in one
        if one.startswith("ops_service.") and room(one) not in {room(name), *OPEN}
    }
    assert {(name, one) for name, allowed in MAY_IMPORT.items() for one in allowed} - used == set()


def test_gate_and_servicer_meet_in_one_place() -> None:
    knowing = {
        name
        for name, found in HOST.items()
        if {"gate", "rpc"} <= {room(one) for one in found if one.startswith("ops_service.")}
    }
    assert knowing == {"ops_service.server.assembly"}


def test_the_client_takes_only_the_contract_from_the_host() -> None:
    def beyond(name: str) -> set[str]:
        of_host = {found for found in CLIENT[name] if of("ops_service", found)}
        return {found for found in of_host if not found.startswith("ops_service.v1")}

    assert strays(beyond, CLIENT) == {}


def test_the_host_knows_nothing_of_the_client() -> None:
    assert strays(lambda name: {one for one in HOST[name] if of("ops_client", one)}, HOST) == {}


def test_importing_the_host_package_is_cheap() -> None:
    code = "import sys; import ops_service; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    heavy = {"grpc", "google.protobuf", "objgraph", "asyncio", "threading", "cryptography"}
    assert heavy & set(loaded) == set()


def test_a_port_imports_nothing_that_only_some_calls_need() -> None:
    code = "import sys; import ops_service.server.service; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    assert "grpc.aio" in loaded
    assert {"cryptography", "objgraph", "pydoc"} & set(loaded) == set()


# A change here changes what users can rely on: record it in CHANGELOG.md.
PUBLIC = {
    "ops_service": """
        AuditConfig AuthorizationConfig Config ConfigurationError EvaluationConfig Grant
        HeapConfig LimitsConfig MeshConfig OperationContext OperationFailed OpsServiceError
        ProcessConfig RevocationConfig RuleConfig RuleFired ServerConfig Service StartError
        StoreConfig TlsConfig WatchConfig load_config operation start
    """,
    "ops_client": """
        AllocationTrace AsyncMaintenanceClient CaptureProgress CapturedSnapshot
        ClientCredentials Evaluation GrowthHistory MaintenanceClient OperationRun Stacks
    """,
}


@pytest.mark.parametrize("package", PUBLIC)
def test_the_public_names_are_these(package: str) -> None:
    module = importlib.import_module(package)

    assert sorted(module.__all__) == PUBLIC[package].split()
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
