"""EvaluateCode over the wire."""

from __future__ import annotations

import grpc
import pytest
from fix_certs import Identity
from fix_evaluation import (
    COMPLETED,
    INVALID_SOURCE,
    RAISED,
    STILL_RUNNING,
    TIMED_OUT,
    evaluate,
)
from fix_host import ADMIN, Host, StartHost
from fix_status import status_of
from google.protobuf.duration_pb2 import Duration

from ops_client import ClientCredentials, MaintenanceClient
from ops_client.errors import RequestTooLarge
from ops_service.v1 import evaluation_pb2, process_pb2


def test_an_expression_gives_its_value(host: Host, admin: Identity) -> None:
    done = evaluate(host, admin, "6 * 7")
    assert done.result.outcome == COMPLETED
    assert done.result.value_repr == "42"
    assert not done.result.value_truncated
    assert done.header.process.instance_id == host.instance_id
    assert done.header.time_limit.ToSeconds() == 5


def test_none_has_no_text(host: Host, admin: Identity) -> None:
    done = evaluate(host, admin, "None")
    assert (done.result.outcome, done.result.value_repr) == (COMPLETED, "")


def test_it_runs_in_the_host_itself(host: Host, admin: Identity) -> None:
    host.run("import builtins; builtins.counter = 1")
    evaluate(host, admin, "import builtins\nbuiltins.counter += 1")
    assert host.run("answer = counter") == 2


def test_names_that_the_host_exposes(host: Host, admin: Identity) -> None:
    done = evaluate(host, admin, "service.address, gc.isenabled(), sys.version_info.major")
    assert done.result.value_repr == f"('{host.address}', True, 3)"


def test_evaluations_share_no_names(host: Host, admin: Identity) -> None:
    evaluate(host, admin, "left_behind = 1")
    done = evaluate(host, admin, "left_behind")
    assert done.result.outcome == RAISED
    assert done.result.exception.type_name == "NameError"


@pytest.mark.parametrize(
    ("source", "stdout", "stderr"),
    [
        ("print('a'); print('b')", "a\nb\n", ""),
        ("print('a', 1, sep='-', end='!', flush=True)", "a-1!", ""),
        ("import sys\nsys.stdout.write('out')\nsys.stderr.write('err')", "out", "err"),
        ("from sys import stderr\nprint('e', file=stderr)", "", "e\n"),
        ("import sys as s\ns.stdout.writelines(['x', 'y'])", "xy", ""),
        ("import pprint\npprint.pprint({'k': [1]})", "{'k': [1]}\n", ""),
        ("objgraph.show_most_common_types(limit=0)", "", ""),
        ("help(len)", "Python Library Documentation: built-in function len", ""),
        ("print(chr(0xd800))", "\\ud800\n", ""),
        ("print(chr(0))", "\x00\n", ""),
    ],
)
def test_output_is_captured(
    host: Host, admin: Identity, source: str, stdout: str, stderr: str
) -> None:
    done = evaluate(host, admin, source)
    assert done.result.outcome == COMPLETED
    assert done.stdout.startswith(stdout)
    assert done.stderr == stderr
    host.assert_printed_nothing()


def test_objgraph_prints_to_the_caller(host: Host, admin: Identity) -> None:
    done = evaluate(host, admin, "objgraph.show_most_common_types(limit=5)")
    assert len(done.stdout.splitlines()) == 5
    host.assert_printed_nothing()


def test_a_redirection_holds_for_the_evaluation_alone(host: Host, admin: Identity) -> None:
    done = evaluate(
        host,
        admin,
        "import io\nsys.stdout = io.StringIO()\nprint('hidden')\n"
        "text = sys.stdout.getvalue()\nsys.stderr.write(text)",
    )
    assert (done.stdout, done.stderr) == ("", "hidden\n")
    assert host.run("import sys; answer = sys.stdout is sys.__stdout__") is True


def test_what_the_host_prints_is_not_captured(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    before = host.run("import sys; answer = id(sys.stdout)")
    done = evaluate(
        host,
        admin,
        "import threading\n"
        "thread = threading.Thread(target=say, args=('from the host',))\n"
        "thread.start(); thread.join(); print('from here')",
    )
    assert done.result.outcome == COMPLETED, done.result
    assert done.stdout == "from here\n"
    assert host.output_file.read_text() == "from the host\n"
    assert host.run("import sys; answer = id(sys.stdout)") == before


def test_output_is_cut_at_its_limit(start_host: StartHost, admin: Identity) -> None:
    host = start_host(evaluation={"output_limit_bytes": 1000})
    done = evaluate(host, admin, "for i in range(1000): print('é' * 100)")
    assert done.result.output_truncated
    assert 990 < len(done.stdout.encode()) <= 1000


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("sys.exit(3)", "SystemExit"),
        ("exit()", "SystemExit"),
        ("quit(1)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise BaseException('x')", "BaseException"),
        ("def f(): f()\nf()", "RecursionError"),
        ("input()", "EOFError"),
        ("breakpoint()", "RuntimeError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("'x' * 2**62", "MemoryError"),
    ],
)
def test_no_exception_reaches_the_host(host: Host, admin: Identity, source: str, name: str) -> None:
    done = evaluate(host, admin, source)
    assert done.result.outcome == RAISED
    assert done.result.exception.type_name == name
    assert 'File "<evaluation>", line ' in done.result.exception.traceback
    assert "ops_service" not in done.result.exception.traceback.replace("ops_service/repl/na", "")
    host.assert_alive()
    host.assert_printed_nothing()


def test_an_exception_whose_text_raises(host: Host, admin: Identity) -> None:
    done = evaluate(
        host,
        admin,
        "class Bad(Exception):\n    def __str__(self): raise SystemExit(1)\nraise Bad",
    )
    assert done.result.outcome == RAISED
    assert done.result.exception.type_name == "__evaluation__.Bad"
    assert done.result.exception.message == "<its text raised SystemExit>"
    host.assert_alive()


@pytest.mark.parametrize(
    "source",
    [
        "1 +",
        "def",
        "\x00",
        "a\x00b",
        "'" * 3,
        "(" * 10_000,
        "x = " + "-" * 200_000 + "1",
        "   1",
        # These exhaust the parser, or only the compiler after it.
        "x" + ".b" * 30_000,
        "f" + "()" * 30_000,
        "1" + "+1" * 30_000,
        "lambda:" * 30_000 + "1",
        "if 0: pass\n" + "elif 0: pass\n" * 30_000,
    ],
    ids=str.__len__,
)
def test_source_that_does_not_compile(host: Host, admin: Identity, source: str) -> None:
    done = evaluate(host, admin, source)
    assert done.result.outcome == INVALID_SOURCE
    assert done.result.exception.type_name
    host.assert_alive()


def test_source_with_a_lone_surrogate_is_refused(host: Host, admin: Identity) -> None:
    call = host.channel(admin).unary_stream("/ops_service.v1.MaintenanceService/EvaluateCode")
    # Field 2, three bytes: U+D800 as UTF-8 would write it if it could.
    with pytest.raises(grpc.RpcError) as raised:
        list(call(b"\x12\x03\xed\xa0\x80", timeout=120))
    assert status_of(raised.value).code == grpc.StatusCode.INVALID_ARGUMENT


def test_a_source_that_is_no_message_any_more(host: Host, admin: Identity) -> None:
    credentials = ClientCredentials(admin.ca, admin.certificate, admin.private_key)
    with MaintenanceClient(host.address, credentials) as client:
        # gRPC's own limit, checked before the service sees the request.
        with pytest.raises(RequestTooLarge, match="larger than max"):
            client.evaluate_code("#" * 10_000_000)
        with client.open_repl() as session, pytest.raises(RequestTooLarge):
            session.evaluate("#" * 10_000_000)
        assert client.evaluate_code("1 + 1").result.value_repr == "2"
    host.assert_alive()


def test_too_long_a_source_is_refused(host: Host, admin: Identity) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        evaluate(host, admin, "#" * ((1 << 20) + 1))
    assert status_of(raised.value).reason == "INVALID_REQUEST"
    assert evaluate(host, admin, "#" * ((1 << 20) - 2) + "\n1").result.outcome == COMPLETED


@pytest.mark.parametrize(
    "source",
    [
        "while True: pass",
        "import time\nwhile True: time.sleep(0.01)",
        "def f():\n  while True:\n    try:\n      while True: pass\n"
        "    except BaseException: return\nf()\nwhile True: pass",
        "class Slow:\n  def __repr__(self):\n    while True: pass\nprint(Slow())",
    ],
)
def test_an_endless_loop_is_stopped(host: Host, admin: Identity, source: str) -> None:
    done = evaluate(host, admin, source, limit_ms=200)
    assert done.result.outcome == TIMED_OUT
    assert 0.2 <= done.result.elapsed.ToNanoseconds() / 1e9 < 3
    host.wait_for("not service_evaluations()")
    host.assert_alive()


def test_what_waits_for_a_lock_is_still_running(start_host: StartHost, admin: Identity) -> None:
    host = start_host(evaluation={"max_concurrent": 1})
    host.run("import threading; lock = threading.Lock(); lock.acquire()")
    done = evaluate(host, admin, "lock.acquire()", limit_ms=100)
    assert done.result.outcome == STILL_RUNNING

    # It is listed, and keeps its slot.
    process = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    (running,) = process.running_evaluations
    assert running.evaluation_id == done.header.evaluation_id
    assert running.principal == ADMIN
    assert running.past_time_limit
    assert running.elapsed.ToNanoseconds() > 100_000_000
    with pytest.raises(grpc.RpcError) as raised:
        evaluate(host, admin, "1")
    status = status_of(raised.value)
    assert (status.code, status.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY")
    assert status.retry_delay is not None

    # Once it can be stopped, its slot is free.
    host.run("lock.release()")
    host.wait_for("not service_evaluations()")
    assert evaluate(host, admin, "1").result.value_repr == "1"


def test_a_huge_text_is_cut(host: Host, admin: Identity) -> None:
    host.run("big = 'x' * (200 << 20); wide = [big] * 1000")
    host.run("import array, collections, types; numbers = array.array('b', bytes(50 << 20))")
    before = host.run("answer = peak_bytes()")
    for source in (
        "big",
        "wide",
        "{1: wide}",
        "(big, big)",
        "numbers",
        "types.MappingProxyType({1: big})",
        "collections.UserDict({1: big})",
        "collections.UserList(wide)",
    ):
        done = evaluate(host, admin, source)
        assert done.result.outcome == COMPLETED
        assert done.result.value_truncated
        assert 64_000 < len(done.result.value_repr.encode()) <= 64 << 10
    assert host.run("answer = peak_bytes()") - before < 20 << 20
    host.run("del big, wide, numbers")


def test_a_repr_that_raises_leaves_a_placeholder(host: Host, admin: Identity) -> None:
    host.run("class Bad:\n    def __repr__(self): raise ValueError('secret')\nbad = Bad()")
    done = evaluate(host, admin, "[1, bad, 2]")
    assert done.result.outcome == COMPLETED
    assert done.result.value_repr.startswith("[1, <app.Bad object at 0x")
    assert done.result.value_repr.endswith(": its __repr__ raised ValueError>, 2]")


def test_the_time_limit_has_bounds(host: Host, admin: Identity) -> None:
    request = evaluation_pb2.EvaluateCodeRequest(source="1")
    for seconds in (6, -1, 0):
        request.time_limit.CopyFrom(Duration(seconds=seconds))
        with pytest.raises(grpc.RpcError) as raised:
            list(host.stub(admin).EvaluateCode(request, timeout=120))
        assert status_of(raised.value).reason == "INVALID_REQUEST"


def test_the_source_is_on_record_before_it_runs(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    # The code itself reads the log, so this is the log's content when the code ran.
    done = evaluate(host, admin, f"open({str(host.audit_file)!r}).read()")
    assert "its own source" not in done.result.value_repr
    records = eval(done.result.value_repr).splitlines()
    assert '"source":"open(' in records[-1]
    assert done.header.evaluation_id in records[-1]
    begin, end = host.wait_for_last_call("EvaluateCode")
    assert begin["event"] == "begin"
    assert begin["principal"] == ADMIN
    assert begin["call_id"] == end["call_id"] == done.header.evaluation_id
    assert (end["event"], end["code"]) == ("end", "OK")


def test_it_is_refused_where_it_is_off(start_host: StartHost, admin: Identity) -> None:
    host = start_host(evaluation={"enabled": False})
    with pytest.raises(grpc.RpcError) as raised:
        evaluate(host, admin, "1")
    status = status_of(raised.value)
    assert status.code == grpc.StatusCode.FAILED_PRECONDITION
    assert status.reason == "EVALUATION_DISABLED"
    process = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    assert not process.evaluation_enabled


def test_a_caller_that_goes_away_stops_it(host: Host, admin: Identity) -> None:
    request = evaluation_pb2.EvaluateCodeRequest(source="while True: pass")
    call = host.stub(admin).EvaluateCode(request, timeout=120)
    assert next(call).WhichOneof("part") == "header"
    assert host.run("answer = len(service_evaluations())") == 1
    call.cancel()
    host.wait_for("not service_evaluations()")
    host.assert_alive()


def test_an_audit_hook_hears_of_it(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    host.run(
        "import sys; heard = []\n"
        "sys.addaudithook(lambda event, args: event == 'ops_service.evaluate'"
        " and heard.append(args))"
    )
    done = evaluate(host, admin, "2 + 3")
    heard = host.run("answer = heard")
    assert heard == [[done.header.evaluation_id, ADMIN, "2 + 3"]]
