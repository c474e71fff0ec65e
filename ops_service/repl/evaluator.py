"""All evaluations of one service: admission, and evaluations that have not ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ops_service.errors import Busy
from ops_service.repl.evaluation import Bounds, Evaluation, Input
from ops_service.repl.namespace import Console
from ops_service.repl.objects import FindObject
from ops_service.repl.output import OutputBuffer
from ops_service.repl.places import Place, Places
from ops_service.repl.timers import Timers


@dataclass(frozen=True, slots=True)
class RunningEvaluation:
    """An evaluation that has not ended."""

    evaluation_id: str
    principal: str
    elapsed: float
    """Seconds."""
    past_time_limit: bool
    """Whether its time limit passed and it could not be stopped."""
    place: Place


def _find_nothing(object_id: int, type_name: str) -> object:
    return "the snapshot engine does not run here, so the object cannot be found"


class Evaluator:
    """Starts evaluations, up to a maximum number at once. Safe from any thread."""

    def __init__(
        self,
        names: Mapping[str, Any],
        max_concurrent: int,
        *,
        places: Places | None = None,
        find_object: FindObject = _find_nothing,
    ) -> None:
        """
        Args:
            names: Names that the application exposes, read again for each evaluation.
            places: Other places that the application offers to run code in.
            find_object: Finds a live object by its id and type name.
        """
        self.places = places or Places()
        self.timers = Timers()
        self._names = names
        self._find_object = find_object
        self._max_concurrent = max_concurrent
        self._lock = threading.Lock()
        self._running: dict[str, Evaluation] = {}

    def make_console(self, bounds: Bounds, on_output: Callable[[], None]) -> Console:
        """Names and output for an evaluation, or for a session."""
        return Console(
            self._names,
            OutputBuffer(bounds.output_limit, on_output),
            result_limit=bounds.result_limit,
            find_object=self._find_object,
        )

    def start(
        self,
        code: Input,
        *,
        on_change: Callable[[], None],
        console: Console | None = None,
    ) -> Evaluation:
        """Run code.

        Args:
            on_change: Called from another thread when there is output or a result.
            console: Provides the names; by default a new console.

        Raises:
            Busy: The limit of concurrent evaluations is reached, or the system refused
                a thread.
            PlaceUnavailable: The application does not offer the place.
        """
        if code.place is not None:
            self.places.require(code.place)
        keeps_console = console is not None
        if console is None:
            console = self.make_console(code.bounds, on_change)
        evaluation = Evaluation(
            code,
            console,
            self.places,
            self.timers,
            on_change=on_change,
            on_end=self._forget,
            keeps_console=keeps_console,
        )
        with self._lock:
            if len(self._running) >= self._max_concurrent:
                raise Busy(
                    f"{len(self._running)} evaluations run already, which is the limit. "
                    "GetProcess lists them. An evaluation that cannot be stopped keeps its place.",
                    retry_after=1.0,
                )
            self._running[code.evaluation_id] = evaluation
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
            RunningEvaluation(e.evaluation_id, e.principal, e.elapsed, e.past_time_limit, e.place)
            for e in evaluations
        ]

    def stop_all(self) -> None:
        """Ask all evaluations to end. Does not wait."""
        with self._lock:
            evaluations = list(self._running.values())
        for evaluation in evaluations:
            evaluation.stop()

    def _forget(self, evaluation: Evaluation) -> None:
        with self._lock:
            self._running.pop(evaluation.evaluation_id, None)
