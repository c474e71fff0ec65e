"""Evaluations and watches through the typed clients, both flavours."""

from __future__ import annotations

import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host, StartHost

from ops_client.errors import DeadlineExceeded, EvaluationDisabled
from ops_service.v1 import evaluation_pb2, growth_pb2

SOON = 2.0


def test_a_slow_call_is_told_from_a_silent_process(
    connect: Connect, start_host: StartHost, admin: Identity
) -> None:
    # A separate host: the evaluation keeps its slot until it ends.
    host = start_host()
    client = connect(host.address, credentials_of(admin), connect_timeout=SOON)
    with pytest.raises(DeadlineExceeded, match="although the process answers"):
        client.evaluate_code("import time; time.sleep(2)", timeout=0.5)


def test_what_evaluated_code_prints_and_returns_comes_back(
    connect: Connect, host: Host, admin: Identity
) -> None:
    client = connect(host.address, credentials_of(admin))
    pieces: list[str] = []
    evaluation = client.evaluate_code(
        "print('hello')", on_output=lambda piece: pieces.append(piece.text)
    )
    assert evaluation.text == "hello\n" == "".join(pieces)
    assert evaluation.result.outcome == evaluation_pb2.EVALUATION_OUTCOME_COMPLETED
    assert client.evaluate_code("6 * 7").result.value_repr == "42"


def test_what_evaluated_code_raises_is_a_result(
    connect: Connect, host: Host, admin: Identity
) -> None:
    result = connect(host.address, credentials_of(admin)).evaluate_code("1 / 0").result
    assert result.outcome == evaluation_pb2.EVALUATION_OUTCOME_RAISED
    assert result.exception.type_name == "ZeroDivisionError"


def test_a_time_limit_is_kept(connect: Connect, host: Host, admin: Identity) -> None:
    client = connect(host.address, credentials_of(admin))
    result = client.evaluate_code("while True: pass", time_limit=0.3).result
    assert result.outcome == evaluation_pb2.EVALUATION_OUTCOME_TIMED_OUT


def test_evaluation_that_is_off_is_told(
    connect: Connect, start_host: StartHost, admin: Identity
) -> None:
    host = start_host(evaluation={"enabled": False})
    with pytest.raises(EvaluationDisabled):
        connect(host.address, credentials_of(admin)).evaluate_code("1")


def test_a_watch_reports_after_each_sample(connect: Connect, host: Host, admin: Identity) -> None:
    client = connect(host.address, credentials_of(admin))
    parts = list(client.watch_heap_growth(interval=0.2, duration=0.6, limit=3))
    assert isinstance(parts[0], growth_pb2.HeapGrowthHeader)
    assert parts[0].process.instance_id == host.instance_id
    reports = parts[1:-1]
    assert all(isinstance(part, growth_pb2.HeapGrowthReport) for part in reports)
    assert [part.sample_count for part in reports] == list(range(1, len(reports) + 1))
    assert isinstance(parts[-1], growth_pb2.HeapGrowthTrailer)
    assert parts[-1].sample_count == len(reports) >= 2


def test_a_watch_that_is_left_ends(connect: Connect, host: Host, admin: Identity) -> None:
    client = connect(host.address, credentials_of(admin))
    parts = client.watch_heap_growth(interval=0.1, duration=3600)
    next(parts)
    next(parts)
    parts.close()
    assert client.get_process().process.pid == host.pid
