"""Faults 49 to 58: what evaluated code may do to its host, and what leaves the host with it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_fault_table import Line
from fix_host import Host, StartHost
from fix_status import status_of
from fix_watched import FaultHost, measured_pause, under_watch
from under_load import resident_bytes

from ops_service.v1 import evaluation_pb2, process_pb2

MIB = 1 << 20


def evaluate(host: Any, identity: Identity, source: str, seconds: int = 5) -> tuple[Any, str]:
    """The result of an evaluation, and what it printed."""
    request = evaluation_pb2.EvaluateCodeRequest(source=source, time_limit={"seconds": seconds})
    parts = list(host.stub(identity).EvaluateCode(request, timeout=120))
    printed = "".join(part.output.text for part in parts if part.HasField("output"))
    return parts[-1].result, printed


def outcome(result: Any) -> str:
    name = evaluation_pb2.EvaluationOutcome.Name(result.outcome)
    return name.removeprefix("EVALUATION_OUTCOME_")


@pytest.mark.parametrize("source", ["import sys; sys.exit(3)", "raise SystemExit", "exit()"])
def test_49_sys_exit(fault: FaultHost, admin: Identity, source: str) -> None:
    result, _ = evaluate(fault, admin, source)
    assert outcome(result) == "RAISED"
    assert evaluate(fault, admin, "1 + 1")[0].value_repr == "2"


def test_50_endless_loop(fault: FaultHost, admin: Identity) -> None:
    result, _ = evaluate(fault, admin, "while True: pass", 1)
    assert outcome(result) == "TIMED_OUT"
    fault.wait_for("not service_evaluations()")


def test_51_held_lock(fault: FaultHost, admin: Identity) -> None:
    fault.run("import threading; held = threading.Lock(); held.acquire()")
    result, _ = evaluate(fault, admin, "held.acquire()", 1)
    assert outcome(result) == "STILL_RUNNING"
    reply = fault.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=60)
    (running,) = reply.running_evaluations
    assert running.past_time_limit
    fault.run("held.release()")
    fault.wait_for("not service_evaluations()")


def test_52_huge_repr(fault: FaultHost, admin: Identity) -> None:
    before = resident_bytes(fault.pid)
    result, _ = evaluate(
        fault, admin, "class Huge:\n    def __repr__(self): return 'x' * (1 << 30)\nHuge()"
    )
    # The code itself makes a text of 1 GiB while it holds the GIL, so the host stands still
    # that long. That is allowed. The part of the text that is kept is bounded.
    fault.largest_gap()
    fault.line.notes.append("the gap is that after the code, which holds the GIL for its text")
    shown, _ = evaluate(fault, admin, "[0] * (1 << 20)")
    assert shown.value_truncated
    assert len(shown.value_repr) <= 64 << 10
    assert len(result.value_repr) <= 64 << 10
    assert resident_bytes(fault.pid) - before < 50 * MIB


def test_53_repr_that_raises(fault: FaultHost, admin: Identity) -> None:
    source = "class Bad:\n    def __repr__(self): raise ValueError('password=hunter2')\nbad = Bad()"
    fault.run(source)
    result, _ = evaluate(fault, admin, "bad")
    assert outcome(result) == "COMPLETED"
    assert "hunter2" not in result.value_repr
    fault.run("del bad, Bad")


def test_54_host_prints_meanwhile(
    start_host: StartHost, control: Host, line: Line, admin: Identity
) -> None:
    host: Host = start_host()
    with under_watch(host, control, line, measured_pause(host, admin), silent=False):
        host.run(
            "import threading, time\n"
            "def chatter():\n"
            "    while not quiet.is_set(): say('of the host'); time.sleep(0.001)\n"
            "quiet = threading.Event()\n"
            "threading.Thread(target=chatter, daemon=True).start()"
        )
        source = "import time\nfor n in range(50):\n    print('evaluated', n); time.sleep(0.002)"
        _, printed = evaluate(host, admin, source)
        host.run("quiet.set()")
    assert printed == "".join(f"evaluated {n}\n" for n in range(50))
    assert "evaluated" not in host.output_file.read_text()
    assert "of the host" in host.output_file.read_text()


def test_55_audit_sink_down(
    start_host: StartHost, control: Host, line: Line, admin: Identity
) -> None:
    host: Host = start_host()
    # The host's log reports it.
    with under_watch(host, control, line, measured_pause(host, admin), silent=False):
        host.run(
            "import os, resource, signal\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"size = os.stat({str(host.audit_file)!r}).st_size\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))\n"
            "evaluated = []"
        )
        with pytest.raises(grpc.RpcError) as raised:
            evaluate(host, admin, "evaluated.append(1)")
        assert status_of(raised.value).reason == "AUDIT_UNAVAILABLE"
        assert host.run("answer = evaluated") == []
        host.run("resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (resource.RLIM_INFINITY,))")
        assert evaluate(host, admin, "1 + 1")[0].value_repr == "2"
    assert "audit records cannot be written" in host.output_file.read_text()


def test_58_exception_with_a_secret(fault: FaultHost, admin: Identity) -> None:
    # A defect of ours, or in a library that we call, with an error text from the host's data.
    fault.run(
        "import ops_service.rpc.process as module\n"
        "kept = module.facts.collector_state\n"
        "def fail(): raise RuntimeError('password=hunter2')\n"
        "import logging\n"
        "logging.getLogger('ops_service').addHandler(logging.NullHandler())\n"
        "module.facts.collector_state = fail"
    )
    try:
        with pytest.raises(grpc.RpcError) as raised:
            fault.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=60)
    finally:
        fault.run("module.facts.collector_state = kept")
    assert raised.value.code() == grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(raised.value)
    assert status_of(raised.value).details["reference"]
