"""Interactive sessions: names that persist between inputs, until they expire."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ops_service.errors import Busy, SessionNotFound
from ops_service.repl.evaluation import Bounds, Evaluation, EvaluationOutcome
from ops_service.repl.evaluator import Evaluator
from ops_service.repl.namespace import Console
from ops_service.repl.places import Place


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What is told of a session. Its id stays its owner's."""

    principal: str
    idle: float
    """Seconds since its last input."""
    connected: bool
    running: bool


class Session:
    """Names, output and the running input of one caller. Safe from any thread."""

    def __init__(self, principal: str, evaluator: Evaluator, bounds: Bounds) -> None:
        self.session_id = secrets.token_hex(16)
        self.principal = principal
        self.closed = ""
        """Why it is closed. Empty while it is open."""
        self.evaluation: Evaluation | None = None
        """The input that runs, or whose result was not taken yet."""
        self.audit_hash = ""
        """Of that input's audit record."""
        self.last_used = time.monotonic()
        self.console: Console = evaluator.make_console(bounds, self._tell)
        self._evaluator = evaluator
        self._inputs = 0
        self._on_change: Callable[[], None] | None = None

    @property
    def has_run(self) -> bool:
        """Whether it was given any input."""
        return self._inputs > 0

    @property
    def connected(self) -> bool:
        """Whether a caller is connected to it."""
        return self._on_change is not None

    def connect(self, on_change: Callable[[], None]) -> None:
        """Tell this connection from now on, and no other.

        Args:
            on_change: Called from any thread when there is output, a result or
                an end, or when another connection took the session over.
        """
        before, self._on_change = self._on_change, on_change
        self.last_used = time.monotonic()
        if before is not None:
            before()

    def is_connected(self, on_change: Callable[[], None]) -> bool:
        """Whether the session still talks to this connection."""
        return self._on_change is on_change

    def disconnect(self, on_change: Callable[[], None]) -> None:
        """Leave the session to be resumed."""
        if self.is_connected(on_change):
            self._on_change = None
            self.last_used = time.monotonic()

    def start(
        self,
        *,
        evaluation_id: str,
        source: str,
        bounds: Bounds,
        place: Place | None,
        audit_hash: str,
    ) -> Evaluation:
        """Run an input.

        Raises:
            Busy: As many evaluations run as may.
            PlaceUnavailable: The application does not offer the place.
        """
        self._inputs += 1
        self.audit_hash = audit_hash
        self.last_used = time.monotonic()
        self.console.output.refill(bounds.output_limit)
        self.evaluation = self._evaluator.start(
            evaluation_id=evaluation_id,
            principal=self.principal,
            source=source,
            bounds=bounds,
            on_change=self._tell,
            place=place,
            console=self.console,
            file_name=f"<input {self._inputs}>",
        )
        return self.evaluation

    def take_evaluation(self) -> None:
        """The result was delivered; the next input may come."""
        self.evaluation = None
        self.last_used = time.monotonic()

    def interrupt(self) -> None:
        """Stop the input that runs, if one does."""
        if self.evaluation is not None:
            self.evaluation.stop(EvaluationOutcome.INTERRUPTED)

    def end(self, reason: str) -> None:
        """Stop what runs, and let go of all names."""
        self.closed = self.closed or reason
        self.interrupt()
        self._tell()
        self.console.release()

    def _tell(self) -> None:
        on_change = self._on_change
        if on_change is not None:
            on_change()


class Sessions:
    """All sessions of one service. Safe from any thread."""

    def __init__(self, evaluator: Evaluator, limit: int, idle_seconds: float) -> None:
        """
        Args:
            limit: How many may be open.
            idle_seconds: After how long without input a session ends.
        """
        self.idle_seconds = idle_seconds
        self._evaluator = evaluator
        self._limit = limit
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def open(self, principal: str, bounds: Bounds) -> Session:
        """Open a session.

        Raises:
            Busy: As many are open as may.
        """
        session = Session(principal, self._evaluator, bounds)
        with self._lock:
            if len(self._sessions) >= self._limit:
                raise Busy(
                    f"{len(self._sessions)} sessions are open, which is the limit. Resume one of "
                    f"yours, or wait: one without input ends after {self.idle_seconds:g} s.",
                    retry_after=1.0,
                )
            self._sessions[session.session_id] = session
        self._expire_later(session, self.idle_seconds)
        return session

    def resume(self, session_id: str, principal: str) -> Session:
        """Find an open session of this principal.

        Raises:
            SessionNotFound: There is none, or it is somebody else's.
        """
        with self._lock:
            session = self._sessions.get(session_id)
        if session is None or session.principal != principal:
            raise SessionNotFound(
                "There is no such session of yours in this process: it expired, was closed, or "
                "the process was started anew. Open a new one."
            )
        return session

    def list(self) -> list[OpenSession]:
        """What is told of each open session, oldest first."""
        with self._lock:
            sessions = list(self._sessions.values())
        now = time.monotonic()
        return [
            OpenSession(s.principal, now - s.last_used, s.connected, s.evaluation is not None)
            for s in sessions
        ]

    def close(self, session: Session, reason: str = "The session was closed.") -> None:
        """End a session, and what it runs."""
        with self._lock:
            self._sessions.pop(session.session_id, None)
        session.end(reason)

    def keep_where(self, may_evaluate: Callable[[str], bool]) -> None:
        """End the sessions of every principal for whom this is false."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            if not may_evaluate(session.principal):
                self.close(session, "EVALUATE was taken back, which ended the session.")

    def _expire_later(self, session: Session, seconds: float) -> None:
        self._evaluator.timers.call_later(seconds, lambda: self._expire(session))

    def _expire(self, session: Session) -> None:
        if session.closed:
            return
        left = session.last_used + self.idle_seconds - time.monotonic()
        running = session.evaluation is not None and session.evaluation.result is None
        if running or left > 0:
            self._expire_later(session, max(left, 1.0))
        else:
            self.close(session, f"The session ended after {self.idle_seconds:g} s without input.")
