"""What runs on the service's loop, put together: the gate, what answers behind it, the port."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grpc_health.v1 import health, health_pb2

from ops_service.alarms import Alarms
from ops_service.config.model import Config, StoreConfig
from ops_service.gate.admission import Admission
from ops_service.gate.audit import Audit
from ops_service.gate.authorization import Authorization
from ops_service.gate.interceptor import Gate
from ops_service.gate.methods import known_methods
from ops_service.gate.passage import Rules
from ops_service.gate.rates import Rates
from ops_service.gate.xfcc import read_forwarded_peer, read_tls_peer
from ops_service.heap.lookup import find_object
from ops_service.process.identity import ProcessIdentity
from ops_service.repl.evaluator import Evaluator
from ops_service.repl.places import Places
from ops_service.repl.session import Sessions
from ops_service.rpc.servicer import MaintenanceServicer
from ops_service.server.grpc_server import make_server
from ops_service.server.handlers import ALARMS, channel_options, make_handlers
from ops_service.server.port import Port
from ops_service.store.model import InstanceFacts
from ops_service.store.store import Store
from ops_service.threads import Workers
from ops_service.tls.credentials import CertificateSource
from ops_service.tls.revocation import Revocation

_HANDLER_SECONDS = 0.5

# Threads for captures and censuses; two children run at once, the rest waits.
_WORKER_LIMIT = 16


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What was read, claimed and opened before the loop began."""

    config: Config
    identity: ProcessIdentity
    address: str
    """The one that was claimed; its port may be 0."""
    namespace: Mapping[str, Any]
    places: Places
    certificates: CertificateSource | None
    revocation: Revocation
    alarms: Alarms
    audit: Audit
    store: Store | None


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts that run on the loop. Made by `assemble`."""

    gate: Gate
    servicer: MaintenanceServicer
    evaluator: Evaluator
    sessions: Sessions
    checks: health.aio.HealthServicer
    port: Port

    async def set_health(self, *, alarmed: bool) -> None:
        """Tell who checks the health of the alarms."""
        answers = health_pb2.HealthCheckResponse
        await self.checks.set(ALARMS, answers.NOT_SERVING if alarmed else answers.SERVING)

    async def end(self) -> None:
        """End all work and all calls, and close the port."""
        self.sessions.keep_where(lambda name: False)
        self.evaluator.stop_all()
        self.servicer.stop_watch()
        self.servicer.stop_stored_captures()
        self.servicer.stop_work()
        await self.port.close()
        await _wait_for_calls()
        self.servicer.take_back()


async def assemble(given: Ingredients) -> Assembly:
    """Put the parts together, on the loop that runs. The port is not open yet."""
    config, audit = given.config, given.audit
    rules = Rules(
        methods=known_methods(),
        authorization=Authorization(
            config,
            given.revocation,
            validities=given.certificates.validities if given.certificates is not None else None,
        ),
        admission=Admission(config.limits),
        rates=Rates(config.limits.calls_per_second),
        audit=audit,
        limits=config.limits,
        instance_id=given.identity.instance_id,
        read_peer=read_forwarded_peer(config.mesh) if config.mesh.enabled else read_tls_peer,
    )
    gate = Gate(rules)
    evaluator = Evaluator(
        given.namespace,
        config.evaluation.max_concurrent,
        places=given.places,
        find_object=find_object,
    )
    sessions = Sessions(
        evaluator, config.evaluation.max_sessions, config.evaluation.session_idle_seconds
    )
    workers = Workers(asyncio.get_running_loop(), _WORKER_LIMIT)
    servicer = MaintenanceServicer(
        config, given.identity, workers, evaluator, sessions, given.store, given.alarms
    )
    checks = health.aio.HealthServicer()
    handlers = await make_handlers(servicer, checks)
    # The last net. The gate's own limits are lower, leave room for
    # health checks, and write a record of what they refuse.
    most = 4 * (config.limits.calls + config.limits.health_calls)
    options = channel_options(config)
    certificates = given.certificates
    port = Port(
        given.address,
        lambda: certificates.credentials() if certificates is not None else None,
        lambda: make_server(gate, options, most, handlers, rules.methods),
        lambda text: given.alarms.set("port", text),
    )
    return Assembly(gate, servicer, evaluator, sessions, checks, port)


def open_store(config: StoreConfig, identity: ProcessIdentity) -> Store | None:
    """The store of this process; None if it is switched off.

    Raises:
        StartError: Its directory is not safe, or is not there.
    """
    if config.directory is None:
        return None
    facts = InstanceFacts(
        instance_id=identity.instance_id,
        pid=identity.pid,
        host_name=identity.host_name,
        start_time=identity.start_time,
        service_start_time=identity.service_start_time,
    )
    return Store(config.directory, config.max_bytes, facts)


async def _wait_for_calls() -> None:
    """Let the handlers of cancelled calls come to their end."""
    if calls := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(calls, timeout=_HANDLER_SECONDS)
