"""Which part may import which, and what the packages show."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"ops_service": ROOT / "ops_service", "ops_client": ROOT / "clients/python/ops_client"}

# For each part of the host's side: the other parts that it may import. A part
# is a module or package of ops_service. errors is open to all of them.
MAY_IMPORT = {
    "heap": set(),
    "leaks": {"heap"},
    "repl": set(),
    "process": set(),
    "store": {"varint"},
    "varint": set(),
    "config": {"config_limits", "config_mesh", "config_watch"},
    "config_limits": set(),
    "config_mesh": set(),
    "config_watch": set(),
    "config_file": {"config", "files"},
    "config_warnings": {"config", "config_file"},
    "files": set(),
    "certificate": set(),
    "validity": {"certificate"},
    "revocation": {"certificate", "config", "files"},
    "trust": set(),
    "alarms": set(),
    "reload": {
        "alarms",
        "config",
        "config_file",
        "config_warnings",
        "credentials",
        "files",
        "revocation",
    },
    "call": set(),
    "sockets": {"config"},
    "private_grpc": {"heap"},
    "thread_room": {"heap"},
    "aio_server": {"private_grpc"},
    "port": {"config", "private_grpc", "sockets", "thread_room"},
    "workers": set(),
    "snapshot_stream": {"convert", "heap", "memory_messages", "process", "v1", "varint"},
    "background": {
        "config_watch",
        "capture_job",
        "config",
        "convert",
        "growth",
        "growth_messages",
        "heap",
        "leaks",
        "process",
        "store",
        "v1",
    },
    "capture_job": {"heap", "snapshot_stream"},
    "history_methods": {
        "background",
        "config",
        "convert",
        "growth",
        "heap",
        "process",
        "store",
        "v1",
        "workers",
    },
    "store_methods": {
        "call",
        "config",
        "convert",
        "heap",
        "process",
        "snapshot_stream",
        "store",
        "v1",
        "workers",
    },
    "growth": {"growth_fallback", "heap", "leaks", "process"},
    "growth_fallback": {"heap"},
    "growth_messages": {"convert", "leaks", "v1"},
    "growth_methods": {
        "convert",
        "growth",
        "growth_messages",
        "leaks",
        "process",
        "v1",
        "workers",
    },
    "convert": {"heap", "process", "v1"},
    "evaluation_messages": {"config", "convert", "repl", "v1"},
    "referrer_methods": {"config", "convert", "heap", "process", "v1", "workers"},
    "repl_methods": {
        "call",
        "config",
        "convert",
        "evaluation_messages",
        "process",
        "repl",
        "v1",
        "workers",
    },
    "evaluation_methods": {
        "call",
        "config",
        "convert",
        "evaluation_messages",
        "process",
        "repl",
        "v1",
    },
    "memory_messages": {"convert", "heap", "process", "v1"},
    "operation_methods": {"call", "convert", "plain_values", "process", "v1"},
    "plain_values": set(),
    "live_methods": {
        "allocation_methods",
        "logger_methods",
        "operation_methods",
        "process",
        "stack_methods",
        "worker_methods",
        "workers",
    },
    "worker_methods": {"convert", "process", "v1", "workers"},
    "slots": {"config", "sockets"},
    "integrations": {"server", "workers"},
    "__main__": {"integrations"},
    "allocation_methods": {"convert", "process", "v1", "workers"},
    "logger_methods": {"convert", "process", "v1", "workers"},
    "stack_methods": {"convert", "heap", "process", "v1", "workers"},
    "pytest_plugin": {"growth", "leaks"},
    "errors": set(),
    "log": set(),
    "credentials": {"config", "files", "private_grpc", "trust", "validity"},
    "gate": {
        "call",
        "certificate",
        "config",
        "config_limits",
        "config_mesh",
        "private_grpc",
        "revocation",
        "status",
        "trust",
        "v1",
        "validity",
    },
    "status": {"v1"},
    "servicer": {
        "alarms",
        "call",
        "capture_job",
        "config",
        "convert",
        "growth",
        "growth_methods",
        "evaluation_messages",
        "evaluation_methods",
        "heap",
        "live_methods",
        "memory_messages",
        "operation_methods",
        "process",
        "repl",
        "history_methods",
        "referrer_methods",
        "repl_methods",
        "store",
        "store_methods",
        "v1",
        "workers",
    },
    "reflection": set(),
    "services": {"config", "gate", "reflection", "v1"},
    "forks": set(),
    "assembly": {
        "aio_server",
        "alarms",
        "config",
        "credentials",
        "gate",
        "heap",
        "port",
        "process",
        "repl",
        "revocation",
        "servicer",
        "services",
        "store",
        "workers",
    },
    "server": {
        "alarms",
        "assembly",
        "background",
        "config",
        "config_file",
        "config_warnings",
        "credentials",
        "forks",
        "gate",
        "heap",
        "port",
        "private_grpc",
        "process",
        "reload",
        "repl",
        "revocation",
        "slots",
        "store_methods",
        "thread_room",
        "workers",
    },
}
WIRE = {"grpc", "grpc_health", "grpc_reflection", "google"}
# They do not know that they are remote.
CAPABILITIES = ("heap", "leaks", "process", "repl", "store")


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Every hand-written module of a package, with its dotted name."""
    base = PACKAGES[package]
    for path in sorted(base.rglob("*.py")):
        parts = (package, *path.relative_to(base).with_suffix("").parts)
        name = ".".join(parts).removesuffix(".__init__")
        if not name.startswith("ops_service.v1"):
            yield name, path


def imports(name: str, path: Path) -> set[str]:
    """Dotted names that a module imports, those inside functions included."""
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


def part(dotted: str) -> str:
    """The part of ops_service that a dotted name lies in, "" for the package."""
    return dotted.split(".")[1] if "." in dotted else ""


HOST = {name: imports(name, path) for name, path in modules("ops_service")}
CLIENT = {name: imports(name, path) for name, path in modules("ops_client")}


@pytest.mark.parametrize("name", [name for name in HOST if part(name)])
def test_imports_of_the_host_go_one_way(name: str) -> None:
    own = part(name)
    assert own in MAY_IMPORT, f"{own} is a new part: say in MAY_IMPORT what it may import"
    allowed = MAY_IMPORT[own] | {own, "errors", "log"}

    foreign = {
        found
        for found in HOST[name]
        if found.startswith("ops_service.") and part(found) not in allowed
    }
    assert foreign == set()


@pytest.mark.parametrize("name", [name for name in HOST if part(name) in CAPABILITIES])
def test_capabilities_know_nothing_of_the_wire(name: str) -> None:
    assert {found for found in HOST[name] if found.split(".")[0] in WIRE} == set()


@pytest.mark.parametrize("name", [name for name in HOST if part(name) == "leaks"])
def test_leaks_stand_on_the_census_alone(name: str) -> None:
    allowed = ("ops_service.heap.census", "ops_service.heap.model", "ops_service.heap.paths")

    of_heap = {found for found in HOST[name] if found.startswith("ops_service.heap")}
    assert {found for found in of_heap if not found.startswith(allowed)} == set()


def test_gate_and_servicer_meet_in_one_place() -> None:
    knowing = {
        part(name)
        for name, found in HOST.items()
        if {"gate", "servicer"} <= {part(one) for one in found if one.startswith("ops_service.")}
    }
    assert knowing == {"assembly"}


@pytest.mark.parametrize("name", CLIENT)
def test_the_client_takes_only_the_contract_from_the_host(name: str) -> None:
    of_host = {found for found in CLIENT[name] if found.split(".")[0] == "ops_service"}

    assert {found for found in of_host if not found.startswith("ops_service.v1")} == set()


@pytest.mark.parametrize("name", HOST)
def test_the_host_knows_nothing_of_the_client(name: str) -> None:
    assert {found for found in HOST[name] if found.split(".")[0] == "ops_client"} == set()


def test_importing_the_host_package_is_cheap() -> None:
    code = "import sys; import ops_service; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    heavy = {"grpc", "google.protobuf", "objgraph", "asyncio", "threading", "cryptography"}
    assert heavy & set(loaded) == set()


def test_a_port_imports_nothing_that_only_some_calls_need() -> None:
    code = "import sys; import ops_service.server; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    assert "grpc.aio" in loaded
    assert {"cryptography", "objgraph", "pydoc"} & set(loaded) == set()


# A change here changes what users may lean on: say so in CHANGELOG.md.
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
