"""All evaluations of one service: their places, and which have not ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ops_service.errors import Busy
from ops_service.repl.evaluation import Bounds, Evaluation
from ops_service.repl.namespace import Namespace


@dataclass(frozen=True, slots=True)
class RunningEvaluation:
    """An evaluation that has not ended."""

    evaluation_id: str
    principal: str
    elapsed: float
    """Seconds."""
    past_time_limit: bool
    """Whether its time limit passed and it could not be stopped."""


class Evaluator:
    """Starts evaluations, at most so many at once. Safe from any thread."""

    def __init__(self, names: Mapping[str, Any], max_concurrent: int) -> None:
        self._namespace = Namespace(names)
        self._max_concurrent = max_concurrent
        self._lock = threading.Lock()
        self._running: dict[str, Evaluation] = {}

    def start(
        self,
        *,
        evaluation_id: str,
        principal: str,
        source: str,
        bounds: Bounds,
        on_change: Callable[[], None],
    ) -> Evaluation:
        """Run code in a thread of its own.

        Args:
            on_change: Called from another thread when there is output or a result.

        Raises:
            Busy: As many run as may.
        """
        evaluation = Evaluation(
            evaluation_id=evaluation_id,
            principal=principal,
            source=source,
            bounds=bounds,
            namespace=self._namespace,
            on_change=on_change,
            on_end=self._forget,
        )
        with self._lock:
            if len(self._running) >= self._max_concurrent:
                raise Busy(
                    f"{len(self._running)} evaluations run already, which is the limit. "
                    "GetProcess lists them; one that cannot be stopped keeps its place.",
                    retry_after=1.0,
                )
            self._running[evaluation_id] = evaluation
        try:
            evaluation.start()
        except RuntimeError as error:
            self._forget(evaluation)
            raise Busy("The system refused a thread; try again.", retry_after=1.0) from error
        return evaluation

    def running(self) -> list[RunningEvaluation]:
        """Evaluations that have not ended, oldest first."""
        with self._lock:
            evaluations = list(self._running.values())
        return [
            RunningEvaluation(e.evaluation_id, e.principal, e.elapsed, e.past_time_limit)
            for e in evaluations
        ]

    def stop_all(self) -> None:
        """Ask all of them to end. Does not wait."""
        with self._lock:
            evaluations = list(self._running.values())
        for evaluation in evaluations:
            evaluation.stop()

    def _forget(self, evaluation: Evaluation) -> None:
        with self._lock:
            self._running.pop(evaluation.evaluation_id, None)
