"""Actions of a rule: write to the log, call the host, store a snapshot."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ops_service.errors import OpsServiceError
from ops_service.heap.model import CaptureOptions
from ops_service.log import Log
from ops_service.messages.basics import process_id
from ops_service.messages.capture_job import CaptureJob
from ops_service.process.identity import ProcessIdentity
from ops_service.store.store import Store
from ops_service.v1 import heap_graph_pb2
from ops_service.watch.rules import RuleFired

_LOG = Log("ops_service.watch")

Hook = Callable[[RuleFired], object]


@dataclass(frozen=True, slots=True)
class Done:
    """Result of a rule's actions."""

    snapshot_id: str = ""
    """Id of the stored snapshot; "" if none was stored."""
    problem: str = ""
    """Why an action failed; "" if none did."""


class Actions:
    """Carries out rules. Used by the watch's thread; `stop` by any thread."""

    def __init__(
        self,
        *,
        store: Store | None,
        identity: ProcessIdentity,
        options: CaptureOptions,
        hook: Hook | None,
        record: Callable[[dict[str, Any]], None],
    ) -> None:
        """
        Args:
            store: Where snapshots go.
            identity: The process.
            options: Bounds of captures.
            hook: Function of the host.
            record: Writes an audit record.
        """
        self._store = store
        self._identity = identity
        self._options = options
        self._hook = hook
        self._record = record
        self._hook_runs = threading.Lock()
        self._job: CaptureJob | None = None

    def act(self, fired: RuleFired) -> Done:
        """Carry out the rule's actions. Blocks for a capture. Failed actions do not raise."""
        done = Done()
        if "log" in fired.actions:
            _LOG.warning("rule %s: %s", fired.rule, fired.reason)
        if "snapshot" in fired.actions:
            done = self._store_snapshot()
        if "hook" in fired.actions:
            self._call_hook(fired)
        record = {"event": "rule", "method": "", "rule": fired.rule, "reason": fired.reason}
        self._record(
            record
            | {"instance_id": self._identity.instance_id, "actions": list(fired.actions)}
            | {"snapshot_id": done.snapshot_id, "problem": done.problem}
        )
        return done

    def stop(self) -> None:
        """Cancel a capture that is under way."""
        if (job := self._job) is not None:
            job.cancel()

    def _store_snapshot(self) -> Done:
        assert self._store is not None, "the configuration is checked"
        snapshot_id = secrets.token_hex(8)
        job = CaptureJob(self._options)
        self._job = job
        try:
            partial = self._store.announce(snapshot_id)
        except OpsServiceError as refused:
            return Done(problem=str(refused))
        try:
            messages = job.messages(
                process=process_id(self._identity),
                snapshot_id=snapshot_id,
                gc_moment=heap_graph_pb2.GC_MOMENT_NOW,
            )
            self._store.write(partial, messages)
        except OpsServiceError as caught:
            _LOG.warning("a rule's snapshot was not stored: %s", caught)
            return Done(problem=str(caught))
        finally:
            self._job = None
        return Done(snapshot_id=snapshot_id)

    def _call_hook(self, fired: RuleFired) -> None:
        hook = self._hook
        if hook is None:
            return
        if not self._hook_runs.acquire(blocking=False):
            _LOG.warning("rule %s: the hook is still running and is not called again", fired.rule)
            return

        def run() -> None:
            try:
                hook(fired)
            except BaseException as error:
                _LOG.error("the hook raised", exc_info=error)
            finally:
                self._hook_runs.release()

        # A separate thread: the host's function may take any time.
        threading.Thread(target=run, name="ops_service-hook", daemon=True).start()
