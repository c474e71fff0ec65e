"""The gate in front of calls whose callers are gone, which gRPC reports by exceptions.

A test over the wire cannot make a caller leave exactly during an answer: gRPC mostly
ends the call's task first.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from fix_certs import CertificateAuthority, uri

from ops_service import private_grpc
from ops_service.config.model import AuditConfig, AuthorizationConfig, Config, Grant, MeshConfig
from ops_service.gate.admission import Admission
from ops_service.gate.audit import Audit, open_sink
from ops_service.gate.authorization import Authorization
from ops_service.gate.call_guard import CallPolicy
from ops_service.gate.interceptor import Gate
from ops_service.gate.methods import known_methods
from ops_service.gate.rates import Rates
from ops_service.gate.xfcc import HEADER, read_forwarded_peer
from ops_service.tls.revocation import Revocation
from ops_service.v1 import evaluation_pb2

ADMIN = "spiffe://test.example/admin"
EVALUATE = "/ops_service.v1.MaintenanceService/EvaluateCode"


class Gone:
    """gRPC's context of a call whose caller is gone."""

    def invocation_metadata(self) -> list[tuple[str, str]]:
        return [(HEADER, f"By=spiffe://test.example/proxy;Hash=ab;URI={ADMIN}")]

    def peer(self) -> str:
        return "unix:"

    async def send_initial_metadata(self, metadata: Any) -> None:
        raise private_grpc.cygrpc.InternalError("Failed execute_batch")

    async def abort(self, *arguments: Any) -> None:
        raise private_grpc.cygrpc.InternalError("Failed execute_batch")


async def _evaluations() -> AsyncIterator[bytes]:
    yield evaluation_pb2.EvaluateCodeRequest(source="1").SerializeToString()


async def _never(request: Any, context: Any) -> None:
    raise AssertionError("nobody is there to work for")


def make_gate(tmp_path: Path) -> tuple[Gate, Audit]:
    config = Config(
        grants=(Grant(principal=ADMIN, capabilities=("EVALUATE",)),),
        authorization=AuthorizationConfig(trust_domains=("test.example",)),
        mesh=MeshConfig(enabled=True, proxies=("spiffe://test.example/proxy",)),
        audit=AuditConfig(file=tmp_path / "audit.jsonl"),
    )
    audit = Audit(open_sink(config.audit))
    gate = Gate(
        CallPolicy(
            known_methods(),
            Authorization(config, Revocation(frozenset())),
            Admission(config.limits),
            Rates(config.limits.calls_per_second),
            audit,
            config.limits,
            "an instance",
            read_forwarded_peer(config.mesh),
        )
    )
    return gate, audit


class Refused(Gone):
    """gRPC's context of a caller with an expired certificate, who is slow to read the refusal."""

    def __init__(self, certificate: bytes) -> None:
        self._certificate = certificate
        self.told: list[Any] = []
        self.reading, self.read = asyncio.Event(), asyncio.Event()

    def invocation_metadata(self) -> list[tuple[str, str]]:
        ((key, value),) = super().invocation_metadata()
        return [(key, f'{value};Cert="{urllib.parse.quote(self._certificate, safe="")}"')]

    async def abort(self, code: grpc.StatusCode, *arguments: Any) -> None:
        self.reading.set()
        await self.read.wait()
        self.told.append(code)
        raise private_grpc.AbortError


def test_a_refusal_under_way_is_not_cut_off(
    tmp_path: Path, authority: CertificateAuthority
) -> None:
    expired = authority.issue("expired", uri(ADMIN), not_after=-datetime.timedelta(hours=1))
    gate, audit = make_gate(tmp_path)

    async def call() -> Refused:
        async def continuation(details: Any) -> Any:
            return grpc.unary_stream_rpc_method_handler(
                _never, evaluation_pb2.EvaluateCodeRequest.FromString
            )

        context = Refused(expired.certificate.read_bytes())
        guarded = await gate.intercept_service(continuation, SimpleNamespace(method=EVALUATE))
        task = asyncio.ensure_future(guarded.stream_stream(_evaluations(), context))
        await context.reading.wait()
        # As the service does once a second.
        gate.end_outdated()
        context.read.set()
        with contextlib.suppress(private_grpc.AbortError, asyncio.CancelledError):
            await task
        return context

    assert asyncio.run(call()).told == [grpc.StatusCode.UNAUTHENTICATED]
    audit.close(10)
    assert gate.open_calls == 0


class Slow(Gone):
    """gRPC's context of a caller who is slow to read the first message."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.sending, self.read = asyncio.Event(), asyncio.Event()

    async def send_initial_metadata(self, metadata: Any) -> None:
        self.sending.set()
        await self.read.wait()
        self.told.append("headers")

    async def abort(self, code: grpc.StatusCode, *arguments: Any) -> None:
        self.told.append(code)
        raise private_grpc.AbortError


def test_a_status_does_not_overtake_the_first_message(tmp_path: Path) -> None:
    gate, audit = make_gate(tmp_path)
    nobody = Config(grants=(), authorization=AuthorizationConfig(trust_domains=("test.example",)))

    async def call() -> Slow:
        async def continuation(details: Any) -> Any:
            return grpc.unary_stream_rpc_method_handler(
                _never, evaluation_pb2.EvaluateCodeRequest.FromString
            )

        context = Slow()
        guarded = await gate.intercept_service(continuation, SimpleNamespace(method=EVALUATE))
        task = asyncio.ensure_future(guarded.stream_stream(_evaluations(), context))
        await context.sending.wait()
        gate.set_authorization(Authorization(nobody, Revocation()))
        asyncio.get_running_loop().call_later(0.01, context.read.set)
        with contextlib.suppress(private_grpc.AbortError, asyncio.CancelledError):
            await task
        return context

    assert asyncio.run(call()).told == ["headers", grpc.StatusCode.PERMISSION_DENIED]
    audit.close(10)


def test_a_caller_that_left_before_the_hash_of_its_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate, audit = make_gate(tmp_path)
    handler = grpc.unary_stream_rpc_method_handler(
        _never, evaluation_pb2.EvaluateCodeRequest.FromString
    )

    async def call() -> None:
        async def continuation(details: Any) -> Any:
            return handler

        guarded = await gate.intercept_service(continuation, SimpleNamespace(method=EVALUATE))
        await guarded.stream_stream(_evaluations(), Gone())

    with caplog.at_level(logging.WARNING):
        asyncio.run(call())
    audit.close(10)
    begin, end = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert '"event":"begin"' in begin.replace(" ", "")
    assert '"code":"CANCELLED"' in end.replace(" ", "")
    # It is not a failure of the service, so the host's log does not report it.
    assert caplog.records == []
    assert gate.open_calls == 0
