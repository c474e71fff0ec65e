"""FindReferrers over the wire, and as opsctl prints and draws it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_host import Host, StartHost
from fix_opsctl import Opsctl, environment_of
from fix_status import Status, status_of
from google.protobuf.duration_pb2 import Duration

from ops_client import ClientCredentials, MaintenanceClient
from ops_client.cli.exit_codes import ExitCode
from ops_client.errors import NoSuchObject
from ops_service.v1 import heap_graph_pb2, referrers_pb2

PLANT = """
import sys, types
class Session:
    pass
Session.__module__ = 'shop'
shop = types.ModuleType('shop')
shop.SESSIONS = {f'secret {number}': Session() for number in range(2000)}
shop.only = types.SimpleNamespace(it=types.MappingProxyType({}))
shop.only.again = [shop.only.it]
sys.modules['shop'] = shop
"""


# Ids of objects are odd.
NO_OBJECT = 78


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    host = start_shared_host()
    host.run(PLANT)
    return host


def ask(host: Host, identity: Identity, **fields: Any) -> referrers_pb2.FindReferrersResponse:
    request = referrers_pb2.FindReferrersRequest(**fields)
    reply: referrers_pb2.FindReferrersResponse = host.stub(identity).FindReferrers(
        request, timeout=120
    )
    return reply


def refusal(host: Host, identity: Identity, **fields: Any) -> Status:
    with pytest.raises(grpc.RpcError) as raised:
        ask(host, identity, **fields)
    host.assert_alive()
    return status_of(raised.value)


def test_a_type(host: Host, admin: Identity) -> None:
    reply = ask(host, admin, type_name="shop.Session", time_limit=Duration(seconds=60))
    assert reply.process.instance_id == host.instance_id
    assert reply.object_count == 2000
    assert reply.clone_pause.ToTimedelta().total_seconds() > 0
    (path,) = reply.paths
    assert path.text == "shop.SESSIONS[…] (shop.Session)"
    assert path.count == reply.way_count <= 1000
    assert reply.cut
    assert "of 2000 ways" in reply.warnings[0]
    nodes = [reply.nodes[place] for place in path.nodes]
    assert nodes[0].kind == referrers_pb2.REFERRER_KIND_MODULES
    assert [each.type_name for each in nodes[1:]] == ["module", "dict", "dict", "shop.Session"]
    assert [each.is_target for each in nodes] == [False] * 4 + [True]
    edges = {(each.source, each.target): each for each in reply.edges}
    along = [edges[pair] for pair in zip(path.nodes, path.nodes[1:], strict=False)]
    assert [(each.kind, each.name) for each in along] == [
        (heap_graph_pb2.EDGE_KIND_ROOT, "shop"),
        (heap_graph_pb2.EDGE_KIND_INTERNAL, "__dict__"),
        (heap_graph_pb2.EDGE_KIND_ATTRIBUTE, "SESSIONS"),
        (heap_graph_pb2.EDGE_KIND_VALUE, ""),
    ]
    # Keys are contents.
    assert b"secret" not in reply.SerializeToString()
    assert host.wait_for_records("FindReferrers", 1)[0]["method"].endswith("FindReferrers")


def test_an_object(host: Host, admin: Identity) -> None:
    reply = ask(host, admin, type_name="types.SimpleNamespace", breadth=100)
    (path,) = [each for each in reply.paths if each.text.startswith("shop.only ")]
    held = reply.nodes[path.nodes[-1]]
    reply = ask(host, admin, object_id=held.id)
    assert [each.text for each in reply.paths] == ["shop.only (types.SimpleNamespace)"]
    assert (reply.object_count, reply.way_count, reply.cut) == (1, 1, False)
    assert 'label="only"' in reply.dot

    # A separate part, with the synchronous client: one path for each reference.
    credentials = ClientCredentials(admin.ca, admin.certificate, admin.private_key)
    with MaintenanceClient(host.address, credentials) as client:
        of_type = client.find_referrers("mappingproxy", breadth=100)
        (path,) = [each for each in of_type.paths if each.text.startswith("shop.only.it ")]
        found = client.find_referrers(of_type.nodes[path.nodes[-1]].id)
        assert {each.text for each in found.paths} == {
            "shop.only.it (mappingproxy)",
            "shop.only.again[0] (mappingproxy)",
        }
        with pytest.raises(NoSuchObject, match=r"Did you mean shop\.Session\?"):
            client.find_referrers("Session")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "target"),
        ({"object_id": 0}, "object_id"),
        ({"type_name": ""}, "type_name"),
        ({"type_name": "a\0b"}, "type_name"),
        ({"type_name": "x" * 1001}, "type_name"),
        ({"type_name": "dict", "breadth": 101}, "breadth"),
        ({"type_name": "dict", "breadth": 2**32 - 1}, "breadth"),
        ({"type_name": "dict", "time_limit": Duration()}, "time_limit"),
        ({"type_name": "dict", "time_limit": Duration(seconds=-1)}, "time_limit"),
        ({"type_name": "dict", "time_limit": Duration(seconds=61)}, "time_limit"),
    ],
)
def test_requests_that_make_no_sense(
    host: Host, admin: Identity, fields: dict[str, Any], field: str
) -> None:
    status = refusal(host, admin, **fields)
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert status.details["field"] == field
    assert "choose" in status.message


@pytest.mark.parametrize(
    "fields", [{"object_id": NO_OBJECT}, {"object_id": 2**64 - 1}, {"type_name": "Å.no_such"}]
)
def test_what_is_not_there(host: Host, admin: Identity, fields: dict[str, Any]) -> None:
    status = refusal(host, admin, **fields)
    assert (status.code, status.reason) == (grpc.StatusCode.NOT_FOUND, "OBJECT_NOT_FOUND")
    assert ask(host, admin, type_name="shop.Session").paths


# ---- opsctl --------------------------------------------------------------------------


def test_people_are_told_the_path(opsctl: Opsctl, host: Host, admin: Identity) -> None:
    env = environment_of(host.address, admin)
    run = opsctl("heap", "path", "shop.Session", env=env)
    assert run.returncode == 0, run.stderr
    assert "shop.SESSIONS[…] (shop.Session)" in run.stdout
    assert "2,000 objects. The process stood still for" in run.stdout
    assert "ways to the target were examined" in run.stderr

    run = opsctl("heap", "path", "shop.Session", "--json", env=env)
    document = json.loads(run.stdout)
    assert document["object_count"] == "2000"
    assert document["paths"][0]["text"] == "shop.SESSIONS[…] (shop.Session)"


def test_the_graph_is_written(opsctl: Opsctl, host: Host, admin: Identity, tmp_path: Path) -> None:
    env = environment_of(host.address, admin)
    source = tmp_path / "graph.dot"
    run = opsctl("heap", "path", "shop.Session", "-o", source, env=env)
    assert run.returncode == 0, run.stderr
    assert source.read_text().startswith("digraph referrers {")
    assert 'label="SESSIONS"' in source.read_text()

    without = {**env, "PATH": str(tmp_path)}
    run = opsctl("heap", "path", "shop.Session", "-o", tmp_path / "graph.svg", env=without)
    assert run.returncode == ExitCode.GRAPH_NOT_DRAWN
    assert "Install the package graphviz, or write the graph's source" in run.stderr
    assert not (tmp_path / "graph.svg").exists()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_the_graph_is_drawn(opsctl: Opsctl, host: Host, admin: Identity, tmp_path: Path) -> None:
    drawn = tmp_path / "graph.svg"
    run = opsctl(
        "heap", "path", "shop.Session", "-o", drawn, env=environment_of(host.address, admin)
    )
    assert run.returncode == 0, run.stderr
    assert "<svg" in drawn.read_text()
    assert ">SESSIONS<" in drawn.read_text()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_names_cannot_break_the_graph(host: Host, admin: Identity) -> None:
    host.run(
        "strange = type('a\"]; b [label=\"\\\\', (), {})\n"
        "strange.__module__ = 'x\\n\\x1by'\n"
        "shop.strange = strange()"
    )
    reply = ask(host, admin, type_name='x\n\x1by.a"]; b [label="\\')
    (path,) = reply.paths
    assert path.text.startswith("shop.strange ")
    done = subprocess.run(
        ["dot", "-Tplain"], input=reply.dot, capture_output=True, text=True, check=True
    )
    assert sum(line.startswith("node ") for line in done.stdout.splitlines()) == len(reply.nodes)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["0"], ExitCode.INVALID_REQUEST, "object_id is 0"),
        ([str(NO_OBJECT)], ExitCode.OBJECT_NOT_FOUND, f"No object has the id {NO_OBJECT}"),
        (["Session"], ExitCode.OBJECT_NOT_FOUND, "Did you mean shop.Session?"),
        (["shop.Session", "-o", "graph.png"], ExitCode.USAGE, "ends in neither"),
        (["shop.Session", "no.heap", "-o", "x.dot"], ExitCode.USAGE, "omit FILE"),
    ],
)
def test_what_is_wrong_ends_with_a_sentence(
    opsctl: Opsctl, host: Host, admin: Identity, arguments: list[str], code: int, sentence: str
) -> None:
    run = opsctl("heap", "path", *arguments, env=environment_of(host.address, admin))
    assert run.returncode == code
    assert sentence in " ".join(run.stderr.replace("│", " ").split())
