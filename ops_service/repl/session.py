"""Interactive sessions: names that persist between inputs, until they expire."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ops_service.errors import Busy, SessionNotFound
from ops_service.repl.evaluation import Bounds, Evaluation, EvaluationOutcome, Input
from ops_service.repl.evaluator import Evaluator
from ops_service.repl.namespace import Console
from ops_service.repl.places import Place


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Reported facts about a session. Only the owner gets its id."""

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
        """Hash of that input's audit record."""
        self.last_used = time.monotonic()
        self.console: Console = evaluator.make_console(bounds, self._tell)
        self._evaluator = evaluator
        self._inputs = 0
        self._on_change: Callable[[], None] | None = None

    @property
    def has_run(self) -> bool:
        """Whether the session has received any input."""
        return self._inputs > 0

    @property
    def connected(self) -> bool:
        """Whether a caller is connected to it."""
        return self._on_change is not None

    def connect(self, on_change: Callable[[], None]) -> None:
        """Report changes to this connection from now on, and to no other.

        Args:
            on_change: Called from any thread when there is output, a result or
                an end, or when another connection has taken over the session.
        """
        before, self._on_change = self._on_change, on_change
        self.last_used = time.monotonic()
        if before is not None:
            before()

    def is_connected(self, on_change: Callable[[], None]) -> bool:
        """Whether the session still reports to this connection."""
        return self._on_change is on_change

    def disconnect(self, on_change: Callable[[], None]) -> None:
        """Disconnect. The session can be resumed."""
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
            Busy: The limit of concurrent evaluations is reached, or the system refused
                a thread.
            PlaceUnavailable: The application does not offer the place.
        """
        self._inputs += 1
        self.audit_hash = audit_hash
        self.last_used = time.monotonic()
        self.console.output.refill(bounds.output_limit)
        self.evaluation = self._evaluator.start(
            Input(
                evaluation_id=evaluation_id,
                principal=self.principal,
                source=source,
                bounds=bounds,
                place=place,
                file_name=f"<input {self._inputs}>",
            ),
            on_change=self._tell,
            console=self.console,
        )
        return self.evaluation

    def take_evaluation(self) -> None:
        """Forget the delivered result. The next input may start."""
        self.evaluation = None
        self.last_used = time.monotonic()

    def interrupt(self) -> None:
        """Stop the running input, if any."""
        if self.evaluation is not None:
            self.evaluation.stop(EvaluationOutcome.INTERRUPTED)

    def end(self, reason: str) -> None:
        """Stop the running input, and release all names."""
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
            limit: Maximum number of open sessions.
            idle_seconds: Seconds without input after which a session ends.
        """
        self.idle_seconds = idle_seconds
        self._evaluator = evaluator
        self._limit = limit
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def open(self, principal: str, bounds: Bounds) -> Session:
        """Open a session.

        Raises:
            Busy: The limit of open sessions is reached.
        """
        session = Session(principal, self._evaluator, bounds)
        with self._lock:
            if len(self._sessions) >= self._limit:
                raise Busy(
                    f"{len(self._sessions)} sessions are open, which is the limit. Resume one of "
                    f"yours, or wait: a session without input ends after {self.idle_seconds:g} s.",
                    retry_after=1.0,
                )
            self._sessions[session.session_id] = session
        self._expire_later(session, self.idle_seconds)
        return session

    def resume(self, session_id: str, principal: str) -> Session:
        """Find an open session of this principal.

        Raises:
            SessionNotFound: There is no such session, or another principal owns it.
        """
        with self._lock:
            session = self._sessions.get(session_id)
        if session is None or session.principal != principal:
            raise SessionNotFound(
                "You have no such session in this process: it expired, was closed, or the "
                "process was restarted. Open a new one."
            )
        return session

    def list(self) -> list[OpenSession]:
        """Reported facts about each open session, oldest first."""
        with self._lock:
            sessions = list(self._sessions.values())
        now = time.monotonic()
        return [
            OpenSession(s.principal, now - s.last_used, s.connected, s.evaluation is not None)
            for s in sessions
        ]

    def close(self, session: Session, reason: str = "The session was closed.") -> None:
        """End a session and its running input."""
        with self._lock:
            self._sessions.pop(session.session_id, None)
        session.end(reason)

    def keep_where(self, may_evaluate: Callable[[str], bool]) -> None:
        """End the sessions of every principal that may no longer evaluate."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            if not may_evaluate(session.principal):
                self.close(session, "EVALUATE was revoked, which ended the session.")

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
