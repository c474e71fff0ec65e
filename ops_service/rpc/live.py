"""The methods that look at the live process, or change it for a while."""

from __future__ import annotations

from ops_service.process.allocations import AllocationTracer
from ops_service.process.loggers import LogLevels
from ops_service.process.loops import find_application_loop
from ops_service.process.operation_runner import OperationRunner
from ops_service.rpc.allocations import AllocationMethods
from ops_service.rpc.loggers import LoggerMethods
from ops_service.rpc.operations import OperationMethods
from ops_service.rpc.stacks import StackMethods
from ops_service.rpc.workers import WorkerMethods
from ops_service.threads import Workers


class LiveMethods(AllocationMethods, LoggerMethods, OperationMethods, StackMethods, WorkerMethods):
    """A part of the servicer, and what is to be taken back when it stops."""

    def prepare_live(self, workers: Workers) -> None:
        """Make what these methods work with."""
        self._log_levels = LogLevels()
        self._restoring = set()
        self._restore_timers = {}
        self._operations = OperationRunner(lambda: find_application_loop(workers.loop))
        self._tracer = AllocationTracer()

    def stop_work(self) -> None:
        """Ask operations that run to end. Does not wait."""
        self._operations.stop_all()

    def take_back(self) -> None:
        """Take back what callers changed for a while: the service stops."""
        self._tracer.switch_off()
        self._log_levels.restore_all()

    def take_back_after_fork(self) -> None:
        """The same in a forked child, in which the service does not live on."""
        self._tracer.after_fork()
        self._log_levels.after_fork()
