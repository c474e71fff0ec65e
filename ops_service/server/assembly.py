"""Builds everything that runs on the service's loop: the gate, the handlers, the port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grpc_health.v1 import health, health_pb2

from ops_service.config.model import Config, HeapConfig
from ops_service.gate.admission import Admission
from ops_service.gate.audit import Audit
from ops_service.gate.authorization import Authorization
from ops_service.gate.call_guard import CallPolicy
from ops_service.gate.interceptor import Gate
from ops_service.gate.methods import known_methods
from ops_service.gate.rates import Rates
from ops_service.gate.xfcc import read_forwarded_peer, read_tls_peer
from ops_service.heap.lookup import find_object
from ops_service.heap.model import CaptureOptions, CensusOptions
from ops_service.process.alarms import Alarms
from ops_service.process.allocations import AllocationTracer
from ops_service.process.identity import ProcessIdentity
from ops_service.process.loggers import LogLevels
from ops_service.process.operation_runner import OperationRunner
from ops_service.process.worker_descriptors import Descriptor
from ops_service.repl.evaluator import Evaluator
from ops_service.repl.places import Places
from ops_service.repl.session import Sessions
from ops_service.rpc.allocations import AllocationsHandler
from ops_service.rpc.evaluation import EvaluationHandler
from ops_service.rpc.growth import GrowthHandler
from ops_service.rpc.heap import HeapHandler
from ops_service.rpc.history import HistoryHandler
from ops_service.rpc.loggers import LoggersHandler
from ops_service.rpc.memory import MemoryHandler
from ops_service.rpc.operations import OperationsHandler
from ops_service.rpc.process import ProcessHandler
from ops_service.rpc.referrers import ReferrersHandler
from ops_service.rpc.repl import ReplHandler
from ops_service.rpc.servicer import Handlers, MaintenanceServicer
from ops_service.rpc.stacks import StacksHandler
from ops_service.rpc.store import StoreHandler
from ops_service.rpc.workers import WorkersHandler
from ops_service.server.grpc_server import make_server
from ops_service.server.handlers import ALARMS, channel_options, make_handlers
from ops_service.server.port import Port
from ops_service.store.store import Store
from ops_service.threads import Threads
from ops_service.tls.credentials import CertificateSource
from ops_service.tls.revocation import Revocation
from ops_service.watch.actions import Actions, Hook
from ops_service.watch.background import BackgroundWatch
from ops_service.watch.records import WatchHistory
from ops_service.watch.rules import Rules
from ops_service.watch.sampling import GrowthSampling

_HANDLER_SECONDS = 0.5

# Threads for captures and censuses. Two children run at once; the others wait.
_THREAD_LIMIT = 16


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything that is read, claimed and opened before the loop starts."""

    config: Config
    identity: ProcessIdentity
    address: str
    """The claimed address. Its port may be 0."""
    namespace: Mapping[str, Any]
    places: Places
    hook: Hook | None
    """The application's function that rules may call."""
    certificates: CertificateSource | None
    revocation: Revocation
    alarms: Alarms
    audit: Audit
    store: Store | None
    own_descriptor: Callable[[], Descriptor]
    """Describes this process, once the port is open."""


@dataclass(frozen=True, slots=True)
class Live:
    """Parts that may change the process or run code in it until the service ends."""

    evaluator: Evaluator
    sessions: Sessions
    operations: OperationRunner
    tracer: AllocationTracer
    log_levels: LogLevels
    background: BackgroundWatch | None
    """The background watch, if one is configured."""

    def stop(self) -> None:
        """Ask all running work to end. Does not wait."""
        self.sessions.keep_where(lambda name: False)
        self.evaluator.stop_all()
        if self.background is not None:
            self.background.stop()
        self.operations.stop_all()

    def restore(self) -> None:
        """Undo temporary changes that callers made."""
        self.tracer.switch_off()
        self.log_levels.restore_all()

    def restore_after_fork(self) -> None:
        """Undo those changes in a forked child, where the service no longer runs."""
        self.tracer.after_fork()
        self.log_levels.after_fork()


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that run on the loop. Made by `assemble`."""

    gate: Gate
    live: Live
    handlers: Handlers
    checks: health.aio.HealthServicer
    port: Port

    async def begin(self) -> None:
        """Open the port, and start the background watch."""
        await self.port.open()
        if self.live.background is not None:
            self.live.background.start()

    async def set_health(self, *, alarmed: bool) -> None:
        """Report through health checks whether an alarm is active."""
        answers = health_pb2.HealthCheckResponse
        await self.checks.set(ALARMS, answers.NOT_SERVING if alarmed else answers.SERVING)

    async def end(self) -> None:
        """End all work and all calls, and close the port."""
        self.live.stop()
        self.handlers.store.stop_captures()
        await self.port.close()
        await _wait_for_calls()
        self.live.restore()


async def assemble(given: Dependencies) -> Parts:
    """Build the parts on the running loop. The port is not open yet."""
    config, certificates = given.config, given.certificates
    policy = _policy(given)
    gate = Gate(policy)
    sampling = GrowthSampling(_census_options(config.heap))
    live = _live(given, sampling)
    handlers = _handlers(given, live, sampling)
    checks = health.aio.HealthServicer()
    served = await make_handlers(MaintenanceServicer(handlers), checks)
    # The last line of defence. The gate's own limits are lower, leave room for
    # health checks, and write a record of each refusal.
    most = 4 * (config.limits.calls + config.limits.health_calls)
    options = channel_options(config)
    port = Port(
        given.address,
        lambda: certificates.credentials() if certificates is not None else None,
        lambda: make_server(gate, options, most, served, policy.methods),
        lambda text: given.alarms.set("port", text),
    )
    return Parts(gate, live, handlers, checks, port)


def _policy(given: Dependencies) -> CallPolicy:
    config, certificates = given.config, given.certificates
    return CallPolicy(
        methods=known_methods(),
        authorization=Authorization(
            config,
            given.revocation,
            validities=certificates.validities if certificates is not None else None,
        ),
        admission=Admission(config.limits),
        rates=Rates(config.limits.calls_per_second),
        audit=given.audit,
        limits=config.limits,
        instance_id=given.identity.instance_id,
        read_peer=read_forwarded_peer(config.mesh) if config.mesh.enabled else read_tls_peer,
    )


def _live(given: Dependencies, sampling: GrowthSampling) -> Live:
    evaluation = given.config.evaluation
    evaluator = Evaluator(
        given.namespace,
        evaluation.max_concurrent,
        places=given.places,
        find_object=find_object,
    )
    return Live(
        evaluator=evaluator,
        sessions=Sessions(evaluator, evaluation.max_sessions, evaluation.session_idle_seconds),
        operations=OperationRunner(given.places.find_loop),
        tracer=AllocationTracer(),
        log_levels=LogLevels(),
        background=_background(given, sampling),
    )


def _background(given: Dependencies, sampling: GrowthSampling) -> BackgroundWatch | None:
    config = given.config
    if not config.watch.interval_seconds:
        return None
    actions = Actions(
        store=given.store,
        identity=given.identity,
        options=CaptureOptions(
            lifetime_limit=config.heap.lifetime_limit_seconds, cpu_share=config.heap.cpu_share
        ),
        hook=given.hook,
        record=given.audit.end,
    )
    history = WatchHistory(given.store, config.watch.history_bytes)
    rules = Rules(config.rules)
    return BackgroundWatch(config.watch.interval_seconds, sampling, history, rules, actions)


def _handlers(given: Dependencies, live: Live, sampling: GrowthSampling) -> Handlers:
    config, identity = given.config, given.identity
    threads = Threads(asyncio.get_running_loop(), _THREAD_LIMIT)
    options = _census_options(config.heap)
    store = StoreHandler(identity, threads, given.store)
    return Handlers(
        allocations=AllocationsHandler(identity, threads, live.tracer),
        evaluation=EvaluationHandler(identity, live.evaluator, config.evaluation),
        growth=GrowthHandler(identity, threads, sampling),
        heap=HeapHandler(identity, threads, options, store.capture),
        history=HistoryHandler(identity, threads, given.store, live.background),
        loggers=LoggersHandler(identity, threads, live.log_levels),
        memory=MemoryHandler(identity, threads, options),
        operations=OperationsHandler(identity, live.operations),
        process=ProcessHandler(
            identity,
            threads,
            config,
            given.alarms,
            live.evaluator,
            live.sessions,
            live.operations,
        ),
        referrers=ReferrersHandler(identity, threads, config.heap),
        repl=ReplHandler(
            identity, threads, live.sessions, config.evaluation, config.limits.request_seconds
        ),
        stacks=StacksHandler(identity, threads),
        store=store,
        workers=WorkersHandler(
            identity, threads, given.own_descriptor, config.server.run_directory
        ),
    )


def _census_options(heap: HeapConfig) -> CensusOptions:
    return CensusOptions(lifetime_limit=heap.lifetime_limit_seconds, cpu_share=heap.cpu_share)


async def _wait_for_calls() -> None:
    """Wait for the handlers of cancelled calls to finish."""
    if calls := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(calls, timeout=_HANDLER_SECONDS)
