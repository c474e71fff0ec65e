"""Bounded texts, output buffers and evaluations, without a wire."""

from __future__ import annotations

import array
import collections
import sys
import threading
import time
import types

import pytest
from eventually import eventually
from hypothesis import given
from hypothesis import strategies as st

from ops_service.errors import Busy
from ops_service.repl.evaluation import Bounds, EvaluationOutcome, EvaluationResult, Input
from ops_service.repl.evaluator import Evaluator
from ops_service.repl.output import OutputBuffer
from ops_service.repl.text import bounded_repr, cut

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.sets(st.integers())
        | st.frozensets(st.text())
        | st.dictionaries(st.text(), inner).map(types.MappingProxyType)
        | st.dictionaries(st.text(), inner).map(collections.UserDict)
        | st.lists(inner).map(collections.UserList)
        | st.binary().map(lambda data: array.array("b", data))
        | st.lists(st.floats(), max_size=9).map(lambda data: array.array("d", data))
    ),
)


@given(VALUES)
def test_a_text_that_fits_is_the_repr(value: object) -> None:
    expected = repr(value).encode("utf-8", "backslashreplace").decode()
    assert bounded_repr(value, 1 << 20) == (expected, False)


@given(VALUES, st.integers(min_value=1, max_value=200))
def test_a_text_never_passes_its_limit(value: object, limit: int) -> None:
    text, was_cut = bounded_repr(value, limit)
    whole = repr(value).encode("utf-8", "backslashreplace")
    assert len(text.encode()) <= limit
    assert was_cut == (len(whole) > limit)


@given(st.text(st.characters(codec=None)), st.integers(min_value=0, max_value=50))
def test_cut(text: str, limit: int) -> None:
    kept, was_cut = cut(text, limit)
    whole = text.encode("utf-8", "backslashreplace").decode()
    assert len(kept.encode()) <= limit
    assert whole.startswith(kept)
    assert was_cut == (len(whole.encode()) > limit)
    assert was_cut or kept == whole


class Odd(str):
    def __getitem__(self, index: object) -> str:
        raise RuntimeError

    def __repr__(self) -> str:
        return self


def test_odd_objects() -> None:
    loop: list[object] = [1]
    loop.append(loop)
    assert bounded_repr(loop, 100) == ("[1, [...]]", False)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert bounded_repr(deep, 1 << 20)[0].count("[") <= 60
    # CPython frees such a deep list by recursion, so take it apart first.
    while deep:
        deep = deep[0]  # type: ignore[assignment]
    assert bounded_repr(Odd("text"), 100) == ("text", False)
    assert bounded_repr(1 << 100_000, 100) == ("<int of 100001 bits>", False)
    assert bounded_repr(collections.OrderedDict(a=1), 100)[0] == repr(collections.OrderedDict(a=1))
    assert bounded_repr(collections.deque([1]), 100) == ("deque([1])", False)


class Raises:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __repr__(self) -> str:
        raise self._error


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt()])
def test_a_repr_that_raises(error: BaseException) -> None:
    text, _ = bounded_repr([Raises(error)], 500)
    assert text.startswith("[<")
    assert text.endswith(f": its __repr__ raised {type(error).__name__}>]")


def test_output_is_bounded_and_in_order() -> None:
    told: list[int] = []
    buffer = OutputBuffer(10, lambda: told.append(1))
    out, err = buffer.streams["stdout"], buffer.streams["stderr"]
    assert out.write("abc") == 3
    out.write("d")
    err.write("é")
    assert buffer.take() == [("stdout", "abcd"), ("stderr", "é")]
    assert len(told) == 1
    out.write("123456")
    assert buffer.take() == [("stdout", "1234")]
    assert buffer.truncated
    out.write("more")
    assert buffer.take() == []
    with pytest.raises(TypeError):
        out.write(b"bytes")  # type: ignore[arg-type]


class Runner:
    """Runs evaluations and waits for their results."""

    def __init__(self, max_concurrent: int = 1) -> None:
        self.evaluator = Evaluator({}, max_concurrent)
        self.number = 0

    def start(self, source: str, limit: float) -> tuple[object, threading.Event]:
        changed = threading.Event()
        self.number += 1
        evaluation = self.evaluator.start(
            Input(
                evaluation_id=str(self.number),
                principal="test",
                source=source,
                bounds=Bounds(time_limit=limit, output_limit=1000, result_limit=1000),
            ),
            on_change=changed.set,
        )
        return evaluation, changed

    def run(self, source: str, limit: float = 30.0) -> EvaluationResult:
        evaluation, changed = self.start(source, limit)
        deadline = time.monotonic() + 60
        while evaluation.result is None:  # type: ignore[attr-defined]
            assert changed.wait(deadline - time.monotonic())
            changed.clear()
        result = evaluation.result  # type: ignore[attr-defined]
        assert isinstance(result, EvaluationResult)
        return result

    def wait_until_idle(self) -> None:
        eventually(lambda: not self.evaluator.running())


def test_an_interruption_never_leaves_its_thread() -> None:
    """Evaluations that end exactly at their limit, over and over."""
    failures: list[object] = []
    before, threading.excepthook = threading.excepthook, failures.append
    runner = Runner()
    try:
        raised = []
        for number in range(150):
            limit = 0.002 + 0.00002 * number
            # Takes about as long as its limit.
            result = runner.run(
                f"import time\nend = time.perf_counter() + {limit}\n"
                "while time.perf_counter() < end: pass",
                limit,
            )
            if result.outcome not in (EvaluationOutcome.COMPLETED, EvaluationOutcome.TIMED_OUT):
                raised.append(result)
            runner.wait_until_idle()
    finally:
        threading.excepthook = before
    assert failures == []
    assert raised == []


def test_places() -> None:
    runner = Runner(max_concurrent=1)
    evaluation, _ = runner.start("import time\nwhile True: time.sleep(0.001)", 60)
    with pytest.raises(Busy, match="1 evaluations run already"):
        runner.start("1", 1)
    (running,) = runner.evaluator.running()
    assert (running.principal, running.past_time_limit) == ("test", False)
    evaluation.stop()  # type: ignore[attr-defined]
    runner.wait_until_idle()
    assert runner.run("1").value_repr == "1"


def test_the_process_keeps_its_streams() -> None:
    before = (sys.stdout, sys.stderr, sys.modules["sys"], print, __import__)
    Runner().run("import sys\nsys.stdout = None\nprint(1)")
    assert before == (sys.stdout, sys.stderr, sys.modules["sys"], print, __import__)


def test_code_that_swallows_every_interruption_is_still_running() -> None:
    runner = Runner()
    # Nested, because an interruption may also strike between two attempts.
    result = runner.run(
        "import time\n"
        "end = time.monotonic() + 4\n"
        "def spin(level):\n"
        "    while time.monotonic() < end:\n"
        "        try:\n"
        "            if level: spin(level - 1)\n"
        "        except BaseException: pass\n"
        "spin(4)",
        0.05,
    )
    assert result.outcome is EvaluationOutcome.STILL_RUNNING
    assert runner.evaluator.running()[0].past_time_limit
    runner.wait_until_idle()
