"""OpenRepl over the wire: names that persist, interrupts, completion, reconnects."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_client import credentials_of
from fix_evaluation import COMPLETED, INTERRUPTED, INVALID_SOURCE, RAISED, TIMED_OUT, evaluate
from fix_host import ADMIN, ALL, VIEWER, Host, StartHost, configuration, toml
from fix_status import status_of

from ops_client import AsyncMaintenanceClient, MaintenanceClient
from ops_client.errors import Busy, Cancelled, PermissionDenied, SessionNotFound, WrongProcess
from ops_service.v1 import process_pb2, repl_pb2


class Typing:
    """A session, and what it printed."""

    def __init__(self, client: MaintenanceClient, **options: Any) -> None:
        self.session = client.open_repl(**options)
        self.output = ""

    def hear(self, piece: Any) -> None:
        self.output += piece.text

    def type(self, source: str, **options: Any) -> Any:
        self.output = ""
        return self.session.evaluate(source, on_output=self.hear, **options)

    def value(self, source: str) -> str:
        result = self.type(source)
        assert result.outcome == COMPLETED, result
        text: str = result.value_repr
        return text


@pytest.fixture
def client(host: Host, admin: Identity) -> Any:
    with MaintenanceClient(host.address, credentials_of(admin)) as client:
        yield client


@pytest.fixture
def typing(client: MaintenanceClient) -> Any:
    typing = Typing(client, columns=100, lines=30)
    yield typing
    typing.session.close()


def sessions(host: Host, identity: Identity) -> list[Any]:
    reply = host.stub(identity).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    return list(reply.repl_sessions)


def test_names_persist(typing: Typing) -> None:
    assert typing.value("x = 20") == ""
    assert typing.value("x + 1") == "21"
    assert typing.value("_ * 2") == "42"
    typing.value("print('none')")
    assert typing.value("_") == "42"
    typing.type("def divide(a): return 1 / a")
    assert typing.value("from __future__ import annotations") == ""
    assert typing.value("def f(x: missing): ...\nf.__annotations__") == "{'x': 'missing'}"
    assert typing.value("ops.terminal_size.columns, ops.terminal_size.lines") == "(100, 30)"
    typing.session.resize(60, 20)
    assert typing.value("ops.terminal_size.columns") == "60"


def test_both_flavours_of_the_client(host: Host, admin: Identity) -> None:
    async def run() -> tuple[str, str, bool]:
        async with (
            AsyncMaintenanceClient(host.address, credentials_of(admin)) as client,
            await client.open_repl() as session,
        ):
            await session.evaluate("y = 6")
            result = await session.evaluate("y * 7")
            assert result is not None
            found = await session.complete("sys.getre", 9)
            running = asyncio.create_task(session.evaluate("while True: pass"))
            await asyncio.to_thread(host.wait_for, "service_evaluations()")
            await session.interrupt()
            stopped = await running
            assert stopped is not None
            return result.value_repr, found.candidates[0], stopped.outcome == INTERRUPTED

    assert asyncio.run(run()) == ("42", "getrecursionlimit", True)


def test_tracebacks_show_every_input(typing: Typing) -> None:
    typing.type("def divide(a):\n    return 1 / a")
    result = typing.type("divide(0)")
    assert result.outcome == RAISED
    lines = result.exception.traceback.splitlines()
    assert '  File "<input 2>", line 1, in <module>' in lines
    assert '  File "<input 1>", line 2, in divide' in lines
    assert "    return 1 / a" in lines


def test_incomplete_input(typing: Typing) -> None:
    assert typing.type("for i in range(2):", at_prompt=True) is None
    assert typing.type("for i in range(2):\n  i", at_prompt=True) is None
    assert typing.type("for i in range(2):\n  i\n", at_prompt=True).outcome == COMPLETED
    assert typing.output == "0\n1\n"
    assert typing.type("x = (1,", at_prompt=True) is None
    assert typing.type("x = ]", at_prompt=True).outcome == INVALID_SOURCE
    result = typing.type("x = (1,")
    assert (result.outcome, result.source_incomplete) == (INVALID_SOURCE, True)


def test_an_interrupt_stops_the_input_and_keeps_the_session(host: Host, typing: Typing) -> None:
    typing.type("kept = 1")
    timer = threading.Thread(
        target=lambda: (host.wait_for("service_evaluations()"), typing.session.interrupt())
    )
    timer.start()
    result = typing.type("while True: pass")
    timer.join()
    assert result.outcome == INTERRUPTED
    assert typing.value("kept") == "1"
    # If nothing runs, an interrupt has no effect.
    typing.session.interrupt()
    assert typing.value("kept + 1") == "2"


def test_time_limits_hold_for_each_input(client: MaintenanceClient) -> None:
    typing = Typing(client, time_limit=0.2)
    assert typing.type("while True: pass").outcome == TIMED_OUT
    assert typing.value("1") == "1"
    typing.session.close()


def test_output_between_inputs_comes_with_the_next(host: Host, typing: Typing) -> None:
    typing.type("import threading\ndef later(): go.wait(); print('later')\ngo = threading.Event()")
    typing.type("thread = threading.Thread(target=later); thread.start(); app_go = go")
    typing.type("go.set(); thread.join()")
    assert typing.output == "later\n"
    host.assert_printed_nothing()


@pytest.mark.parametrize(
    ("text", "start", "some"),
    [
        ("planted_va", 0, "planted_value"),
        ("x = len(sys.getref", 12, "getrefcount"),
        ("planted_value.inn", 14, "inner"),
        ("planted_value.inner.ta", 20, "tag"),
        ("whi", 0, "while"),
        ("import jso", 7, "json"),
        ("objgraph.show_gr", 9, "show_growth"),
        ("'text'.up", 7, ""),
    ],
)
def test_completion(typing: Typing, text: str, start: int, some: str) -> None:
    typing.type(
        "class Inner: pass\n"
        "class Planted:\n"
        "    calls = 0\n"
        "    @property\n"
        "    def costly(self): Planted.calls += 1; return self.inner\n"
        "    def __getattr__(self, name): Planted.calls += 1; raise AttributeError(name)\n"
        "    def __dir__(self): Planted.calls += 1; return []\n"
        "planted_value = Planted(); planted_value.inner = Inner(); planted_value.inner.tag = 1\n"
        "import json"
    )
    found = typing.session.complete(text, len(text))
    assert some in found.candidates if some else not found.candidates
    assert found.start == start
    assert not typing.session.complete("planted_value.costly.ta", 23).candidates
    assert typing.value("Planted.calls") == "0"


def test_a_session_is_resumed(host: Host, admin: Identity, client: MaintenanceClient) -> None:
    typing = Typing(client)
    typing.type("kept = 'kept'")
    typing.session.detach()
    again = Typing(client, session_id=typing.session.session_id)
    assert again.session.header.resumed
    assert again.value("kept") == "'kept'"
    # Another connection takes it over, while an input runs.
    host.run("import threading; hold = threading.Event()")
    held = threading.Thread(
        target=lambda: _is_taken_over(again, "_ = hold.wait(); print('out'); 'result'")
    )
    held.start()
    host.wait_for("service_evaluations()")
    third = Typing(client, session_id=typing.session.session_id)
    assert third.session.is_running
    held.join()
    host.run("hold.set()")
    result = third.session.wait(on_output=third.hear)
    assert (result.value_repr, third.output) == ("'result'", "out\n")
    third.session.close()
    with pytest.raises(SessionNotFound):
        Typing(client, session_id=typing.session.session_id)


def _is_taken_over(typing: Typing, source: str) -> None:
    with pytest.raises(Cancelled, match="resumed"):
        typing.type(source)


def test_a_session_is_its_owners(start_host: StartHost, admin: Identity, viewer: Identity) -> None:
    grants = [{"principal": p, "capabilities": ["INSPECT", "EVALUATE"]} for p in (ADMIN, VIEWER)]
    host = start_host(grants=grants)
    with (
        MaintenanceClient(host.address, credentials_of(admin)) as mine,
        MaintenanceClient(host.address, credentials_of(viewer)) as theirs,
    ):
        typing = Typing(mine)
        with pytest.raises(SessionNotFound):
            Typing(theirs, session_id=typing.session.session_id)
        assert [each.principal for each in sessions(host, admin)] == [ADMIN]


def test_sessions_are_bounded_and_expire(start_host: StartHost, admin: Identity) -> None:
    host = start_host(evaluation={"max_sessions": 1, "session_idle_seconds": 1.0})
    with MaintenanceClient(host.address, credentials_of(admin)) as client:
        typing = Typing(client)
        host.run("import weakref\nclass Seen: pass\nseen = Seen(); ref = weakref.ref(seen)")
        typing.type("mine = seen")
        host.run("del seen")
        with pytest.raises(Busy):
            Typing(client)
        typing.session.detach()
        # Its objects are released at once, without a collection.
        host.wait_for("ref() is None")
        assert sessions(host, admin) == []
        with pytest.raises(SessionNotFound):
            Typing(client, session_id=typing.session.session_id)
        connected = Typing(client)
        with pytest.raises(SessionNotFound, match="without input"):
            connected.session.wait()


def test_a_grant_that_is_taken_out_ends_sessions(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    with MaintenanceClient(host.address, credentials_of(admin)) as client:
        left, typing = Typing(client), Typing(client)
        left.session.detach()
        less = [{"principal": ADMIN, "capabilities": [c for c in ALL if c != "EVALUATE"]}]
        config = {**configuration(host.authority, host.audit_file), "grants": less}
        (host.directory / "ops.toml").write_text(toml(config))
        with pytest.raises((PermissionDenied, SessionNotFound)):
            typing.type("while True: pass")
        host.wait_for("not service_evaluations()")
        assert sessions(host, admin) == []


def test_each_input_is_on_record_before_it_runs(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    with MaintenanceClient(host.address, credentials_of(admin)) as client:
        typing = Typing(client)
        typing.type(f"seen = open({str(host.audit_file)!r}).read()")
        assert '"event":"evaluate"' in typing.value("seen.splitlines()[-1]")
        typing.session.close()
    records = [r for r in host.audit_records() if r["event"] == "evaluate"]
    assert [r["source"] for r in records][1] == "seen.splitlines()[-1]"
    assert {r["principal"] for r in records} == {ADMIN}
    assert all(len(r["source_sha256"]) == 64 for r in records)


def test_it_is_refused_where_evaluation_is(
    host: Host, start_host: StartHost, admin: Identity, viewer: Identity
) -> None:
    off = start_host(evaluation={"enabled": False})
    for where, who, reason in (
        (off, admin, "EVALUATION_DISABLED"),
        (host, viewer, "PERMISSION_DENIED"),
    ):
        call = where.stub(who).OpenRepl(iter([repl_pb2.OpenReplRequest()]), timeout=120)
        with pytest.raises(grpc.RpcError) as raised:
            list(call)
        assert status_of(raised.value).reason == reason


def test_bad_messages(host: Host, admin: Identity, client: MaintenanceClient) -> None:
    def refused(*requests: repl_pb2.OpenReplRequest) -> str:
        with pytest.raises(grpc.RpcError) as raised:
            list(host.stub(admin).OpenRepl(iter(requests), timeout=120))
        return status_of(raised.value).reason

    opening = repl_pb2.OpenReplRequest(open=repl_pb2.ReplOpen())
    assert refused() == "INVALID_REQUEST"
    assert refused(opening, opening) == "INVALID_REQUEST"
    assert refused(repl_pb2.OpenReplRequest(instance_id="other")) == "WRONG_PROCESS"
    assert refused(opening, repl_pb2.OpenReplRequest(instance_id="other")) == "WRONG_PROCESS"
    big = repl_pb2.OpenReplRequest(input=repl_pb2.ReplInput(source="#" * ((1 << 20) + 1)))
    assert refused(opening, big) == "INVALID_REQUEST"
    lost = repl_pb2.OpenReplRequest(open=repl_pb2.ReplOpen(session_id="none"))
    assert refused(lost) == "SESSION_NOT_FOUND"
    # A session that was not opened by name opens by itself, and one line works.
    one = repl_pb2.OpenReplRequest(input=repl_pb2.ReplInput(source="6 * 7"))
    replies = list(host.stub(admin).OpenRepl(iter([one]), timeout=120))
    assert [reply.WhichOneof("part") for reply in replies] == [
        "header",
        "prompt",
        "result",
        "prompt",
        # The server writes it to check that the connection is not broken.
        "prompt",
    ]
    assert replies[2].result.value_repr == "42"
    for left in sessions(host, admin):
        assert not left.connected
    pinned = MaintenanceClient(host.address, credentials_of(admin), instance_id="other")
    with pinned, pytest.raises(WrongProcess):
        Typing(pinned)
    assert evaluate(host, admin, "1 + 1").result.value_repr == "2"
