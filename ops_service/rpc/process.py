"""GetPrincipal and GetProcess: report the caller's identity and the process's state."""

from __future__ import annotations

import platform
import time
from typing import Any

import google.protobuf
import grpc

from ops_service.call import current_call
from ops_service.config.model import Config
from ops_service.heap.engine import engine_status
from ops_service.heap.headroom import resident_bytes
from ops_service.heap.interpreters import count_interpreters
from ops_service.messages.basics import duration, process_id, start_settings, timestamp
from ops_service.messages.evaluation import evaluation_places, open_sessions, running_evaluations
from ops_service.messages.interpreters import interpreters_message
from ops_service.process import facts
from ops_service.process.alarms import Alarms
from ops_service.process.command import arguments, environment
from ops_service.process.identity import ProcessIdentity
from ops_service.process.interpreters import others_exist
from ops_service.process.operation_runner import OperationRunner
from ops_service.repl.evaluator import Evaluator
from ops_service.repl.session import Sessions
from ops_service.threads import Threads
from ops_service.v1 import annotations_pb2, process_pb2
from ops_service.version import VERSION


class ProcessHandler:
    """Serves GetPrincipal and GetProcess."""

    def __init__(
        self,
        identity: ProcessIdentity,
        threads: Threads,
        config: Config,
        alarms: Alarms,
        evaluator: Evaluator,
        sessions: Sessions,
        operations: OperationRunner,
    ) -> None:
        self._identity = identity
        self._threads = threads
        self._config = config
        self._alarms = alarms
        self._evaluator = evaluator
        self._sessions = sessions
        self._operations = operations

    async def get_principal(
        self, request: process_pb2.GetPrincipalRequest, context: Any
    ) -> process_pb2.GetPrincipalResponse:
        call = current_call()
        order = annotations_pb2.Capability.keys()
        names = {f"CAPABILITY_{name}" for name in ("AUTHENTICATED", *call.capabilities)}
        return process_pb2.GetPrincipalResponse(
            process=process_id(self._identity),
            principal=call.principal,
            principal_problem=call.principal_problem,
            presented_names=call.presented_names,
            capabilities=[name for name in order if name in names],
        )

    async def get(
        self, request: process_pb2.GetProcessRequest, context: Any
    ) -> process_pb2.GetProcessResponse:
        now = time.time()
        # Before a thread is started for the engine's status.
        collector, thread_count = facts.collector_state(), facts.thread_count()
        # The first time, the engine verifies itself in a child.
        engine = await self._threads.run(engine_status)
        config, identity = self._config, self._identity
        response = process_pb2.GetProcessResponse(
            process=process_id(identity),
            service_uptime=duration(max(0.0, now - identity.service_start_time)),
            service_version=VERSION,
            python_implementation=platform.python_implementation(),
            python_version=platform.python_version(),
            grpcio_version=grpc.__version__,
            protobuf_version=google.protobuf.__version__,
            resident_bytes=resident_bytes(),
            thread_count=thread_count,
            garbage_collector=process_pb2.GarbageCollector(
                enabled=collector.enabled,
                frozen_count=collector.frozen_count,
                generation_counts=collector.generation_counts,
                generation_thresholds=collector.generation_thresholds,
                collection_counts=collector.collection_counts,
            ),
            snapshot_engine=process_pb2.SnapshotEngine(
                available=engine.available,
                unavailable_reason=engine.reason,
                compiled_for=engine.compiled_for,
            ),
            evaluation_enabled=config.evaluation.enabled,
            running_evaluations=running_evaluations(self._evaluator),
            running_operations=self._running_operations(),
            environment=start_settings(environment(config.process.shown_environment)),
            arguments=start_settings(arguments(config.process.shown_arguments)),
            alarms=[
                process_pb2.Alarm(topic=each.topic, text=each.text, since=timestamp(each.since))
                for each in self._alarms.standing()
            ],
            evaluation_places=evaluation_places(self._evaluator, config.evaluation),
            repl_sessions=open_sessions(self._sessions),
            interpreters=interpreters_message(count_interpreters(), others_exist()),
        )
        if identity.start_time is not None:
            response.uptime.CopyFrom(duration(max(0.0, now - identity.start_time)))
        return response

    def _running_operations(self) -> list[process_pb2.RunningOperation]:
        return [
            process_pb2.RunningOperation(
                run_id=each.run_id,
                operation=each.name,
                principal=each.principal,
                elapsed=duration(each.elapsed),
                past_time_limit=each.past_time_limit,
            )
            for each in self._operations.running()
        ]
