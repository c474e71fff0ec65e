"""How EvaluateCode handles sources and values: like CPython's own prompt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fix_certs import Identity
from fix_client import credentials_of
from fix_evaluation import COMPLETED, INVALID_SOURCE, RAISED, evaluate
from fix_host import Host
from google.protobuf.json_format import MessageToJson

from ops_client import MaintenanceClient
from ops_client.heap_graph.model import type_name
from ops_client.heap_graph.reader import read_heap_graph


@pytest.mark.parametrize(
    ("source", "value", "stdout"),
    [
        ("x = 20\nx + 1", "21", ""),
        ("1\n2\n3", "3", "1\n2\n"),
        ("for i in range(3): i", "", "0\n1\n2\n"),
        ("if True:\n  'shown'\nelse:\n  'not'", "", "'shown'\n"),
        (
            "try:\n  1 / 0\nexcept ZeroDivisionError:\n  'caught'\nfinally:\n  'end'",
            "",
            "'caught'\n'end'\n",
        ),
        ("match 1:\n  case 1: 'one'", "", "'one'\n"),
        ("def f(): 5\nf()", "", ""),
        ("'text'\nx = 1", "", "'text'\n"),
        ("1; 2", "2", "1\n"),
        ("6 * 7\n_ + 1", "43", "42\n"),
        ("None\nNone", "", ""),
        (
            "from __future__ import annotations\ndef f(x: no_such_name): ...\nf.__annotations__",
            "{'x': 'no_such_name'}",
            "",
        ),
        ("# nothing", "", ""),
        ("", "", ""),
    ],
)
def test_expressions_are_shown_as_at_the_prompt(
    host: Host, admin: Identity, source: str, value: str, stdout: str
) -> None:
    done = evaluate(host, admin, source)
    assert (done.result.outcome, done.result.value_repr, done.stdout) == (COMPLETED, value, stdout)
    host.assert_printed_nothing()
    assert host.run("import builtins; answer = hasattr(builtins, '_')") is False


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("None", None),
        ("True", True),
        ("-3", -3),
        ("2 ** 53", 2**53),
        ("1.5", 1.5),
        ("'ü'", "ü"),
        ("[1, (2, 'x'), {}]", [1, [2, "x"], {}]),
        ("{'a': {'b': [None, False]}}", {"a": {"b": [None, False]}}),
    ],
)
def test_plain_data_comes_as_data(host: Host, admin: Identity, source: str, value: Any) -> None:
    result = evaluate(host, admin, source).result
    assert result.HasField("value")
    assert json.loads(MessageToJson(result.value)) == value
    assert result.value_repr == (
        "" if value is None else evaluate(host, admin, f"repr({source})").result.value.string_value
    )


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        "2 ** 53 + 1",
        "float('nan')",
        "float('inf')",
        "{1: 2}",
        "b'x'",
        "{1}",
        "object()",
        "type('Text', (str,), {})('x')",
        "chr(0xd800)",
        "['x' * 70_000]",
        "[0] * 20_000",
        "deep = []\nfor _ in range(20): deep = [deep]\ndeep",
        "loop = []\nloop.append(loop)\nloop",
    ],
)
def test_anything_else_does_not(host: Host, admin: Identity, source: str) -> None:
    result = evaluate(host, admin, source).result
    assert result.outcome == COMPLETED
    assert not result.HasField("value")


@pytest.mark.parametrize(
    ("source", "incomplete"),
    [
        ("(1 +", True),
        ("def f():", True),
        ("if x:\n  y\nelse:", True),
        ("'''text", True),
        ("x = [1,\n", True),
        ("@decorated", True),
        ("1 +", False),
        ("def", False),
        ("'text", False),
        (")", False),
    ],
)
def test_incomplete_source_is_told_apart(
    host: Host, admin: Identity, source: str, incomplete: bool
) -> None:
    result = evaluate(host, admin, source).result
    assert (result.outcome, result.source_incomplete) == (INVALID_SOURCE, incomplete)


def test_tracebacks_show_the_evaluated_source(host: Host, admin: Identity) -> None:
    known = host.run("import linecache; answer = len(linecache.cache)")
    done = evaluate(host, admin, "def divide(a, b):\n    return a / b\n\ndivide(1, 0)")
    lines = done.result.exception.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert '  File "<evaluation>", line 4, in <module>' in lines
    assert '  File "<evaluation>", line 2, in divide' in lines
    assert "    return a / b" in lines
    assert "           ~~^~~" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"
    # The process's own line cache got no new entries.
    assert host.run("answer = [name for name in linecache.cache if 'evaluation' in name]") == []
    assert host.run("answer = len(linecache.cache)") == known


def test_code_that_prints_its_traceback_sees_the_source(host: Host, admin: Identity) -> None:
    source = "import traceback\ntry:\n    raise ValueError('x')\nexcept ValueError:\n"
    source += "    traceback.print_exc()"
    done = evaluate(host, admin, source)
    assert "    raise ValueError('x')" in done.stderr.splitlines()
    host.assert_printed_nothing()


def test_chains_and_groups(host: Host, admin: Identity) -> None:
    done = evaluate(
        host,
        admin,
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n"
        "    errors = [ValueError('a' * 200_000), KeyError('b')]\n"
        "    raise ExceptionGroup('several', errors) from error",
    )
    text = done.result.exception.traceback
    assert "The above exception was the direct cause" in text
    assert "ExceptionGroup: several (2 sub-exceptions)" in text
    assert len(text.encode()) <= 64 << 10


def test_a_huge_message_costs_no_copies(host: Host, admin: Identity) -> None:
    host.run("big = 'x' * (200 << 20)")
    before = host.run("answer = peak_bytes()")
    for source in ("raise ValueError(big)", "raise KeyError(big)", "raise ValueError([big])"):
        done = evaluate(host, admin, source)
        assert done.result.outcome == RAISED
        assert 60_000 < len(done.result.exception.message) <= 64 << 10
    assert host.run("del big; answer = peak_bytes()") - before < 20 << 20


def test_threads_that_it_starts_print_to_the_caller(host: Host, admin: Identity) -> None:
    done = evaluate(
        host,
        admin,
        "import threading\n"
        "def work(): print('from a thread')\n"
        "threads = [threading.Thread(target=work), threading.Thread(target=print, args=('too',))]\n"
        "for each in threads: each.start(); each.join()",
    )
    assert done.stdout == "from a thread\ntoo\n"
    host.assert_printed_nothing()


@pytest.mark.parametrize(
    "body",
    [
        "__class__ = property(lambda self: str)",
        "__getattr__ = lambda self, name: 1 / 0",
        "__getattribute__ = lambda self, name: 1 / 0",
        "__eq__ = lambda self, other: 1 / 0\n  __hash__ = None",
        "__bool__ = lambda self: 1 / 0\n  __len__ = lambda self: -1",
        "__repr__ = lambda self: 1 / 0",
        "__repr__ = lambda self: 7",
        "__repr__ = lambda self: (_ for _ in ()).throw(SystemExit)",
        "__repr__ = lambda self: 'x' * 200_000",
        "__str__ = __format__ = lambda self, *_: 1 / 0",
    ],
)
@pytest.mark.parametrize("base", ["", "str", "list", "dict", "Exception"])
def test_a_type_that_lies(host: Host, admin: Identity, base: str, body: str) -> None:
    define = f"class Liar({base}):\n  {body}\n"
    done = evaluate(host, admin, define + "Liar()")
    assert done.result.outcome == COMPLETED
    assert done.result.value_repr
    if base == "Exception":
        raised = evaluate(host, admin, define + "raise Liar")
        assert raised.result.outcome == RAISED
        assert raised.result.exception.type_name == "__evaluation__.Liar"
    assert evaluate(host, admin, "1 + 1").result.value_repr == "2"
    host.assert_printed_nothing()


def test_a_metaclass_that_lies(host: Host, admin: Identity) -> None:
    define = (
        "class Meta(type):\n"
        "  def __getattribute__(self, name): raise RuntimeError(name)\n"
        "class Liar(Exception, metaclass=Meta): pass\n"
    )
    assert evaluate(host, admin, define + "Liar()").result.outcome == COMPLETED
    raised = evaluate(host, admin, define + "raise Liar")
    assert raised.result.exception.type_name == "__evaluation__.Liar"
    assert evaluate(host, admin, "1 + 1").result.value_repr == "2"


# ---- objects of a snapshot ---------------------------------------------------------


@pytest.fixture(scope="module")
def ids(
    host: Host, admin: Identity, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[int]]:
    """Ids of a snapshot's objects, by the names of their types."""
    host.run(
        "class Planted: pass\n"
        "class Other: pass\n"
        "planted = Planted(); planted.mark = 'found'\n"
        "gone = Planted()\n"
        "text = ''.join(['not', 'tracked'])"
    )
    file = tmp_path_factory.mktemp("ids") / "host.heap"
    with MaintenanceClient(host.address, credentials_of(admin)) as client:
        client.capture_heap_snapshot(file)
    graph = read_heap_graph(file)
    found: dict[str, list[int]] = {}
    for type_index, object_id in zip(graph.type_indexes.tolist(), graph.ids.tolist(), strict=True):
        found.setdefault(type_name(graph.types[type_index]), []).append(object_id)
    return found


def test_an_object_by_its_id(host: Host, admin: Identity, ids: dict[str, list[int]]) -> None:
    assert len(ids["app.Planted"]) == 2
    marks = [
        evaluate(host, admin, f"vars(ops.object({each}, 'app.Planted'))").result.value_repr
        for each in ids["app.Planted"]
    ]
    assert sorted(marks) == ["{'mark': 'found'}", "{}"]
    # Several objects in one evaluation, because each evaluation is a call. Few enough for
    # its time limit.
    modules = ids["module"]
    assert any(
        evaluate(
            host,
            admin,
            f"any(ops.object(each, 'module') is gc for each in {modules[place : place + 8]})",
        ).result.value_repr
        == "True"
        for place in range(0, len(modules), 8)
    )


def not_found(host: Host, identity: Identity, source: str) -> str:
    done = evaluate(host, identity, source)
    assert done.result.outcome == RAISED
    assert done.result.exception.type_name == "ops_service.errors.ObjectNotFound"
    assert done.result.exception.message.startswith("NOT_FOUND: ")
    assert "is reached through its holder" in done.result.exception.message
    return done.result.exception.message


def test_what_is_not_there_is_not_found(
    host: Host, admin: Identity, ids: dict[str, list[int]]
) -> None:
    planted = ids["app.Planted"][0]
    assert "not of the type app.Other" in not_found(
        host, admin, f"ops.object({planted}, 'app.Other')"
    )
    assert "not of the type Planted" in not_found(host, admin, f"ops.object({planted}, 'Planted')")
    text = ids["str"][0]
    assert "no tracked object" in not_found(host, admin, f"ops.object({text}, 'str')")
    for wrong in (0, planted + 1, 2**32 - 1, 2**200, -1):
        not_found(host, admin, f"ops.object({wrong}, 'app.Planted')")
    not_found(host, admin, f"ops.object({planted}, 'app.Planted\\0')")
    done = evaluate(host, admin, "ops.object('1', 'app.Planted')")
    assert done.result.exception.type_name == "TypeError"

    # A freed object stays freed, and another object may use its address.
    before = {
        each
        for each in ids["app.Planted"]
        if "mark"
        not in evaluate(host, admin, f"vars(ops.object({each}, 'app.Planted'))").result.value_repr
    }
    host.run("del gone")
    (gone,) = before
    not_found(host, admin, f"ops.object({gone}, 'app.Planted')")
