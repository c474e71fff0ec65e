"""Output of an evaluation, kept up to a limit."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

from ops_service.repl.text import cut

STDOUT = "stdout"
STDERR = "stderr"


class OutputBuffer:
    """Printed text that is not sent yet. Safe from any thread."""

    def __init__(self, limit: int, on_text: Callable[[], None]) -> None:
        """
        Args:
            limit: Total bytes of UTF-8 to keep; text beyond it is dropped.
            on_text: Called in the printing thread when an empty buffer gets text.
        """
        self._lock = threading.Lock()
        self._left = limit
        self._waiting: list[tuple[str, str]] = []
        self._on_text = on_text
        self._truncated = False
        self.streams = {name: CapturedStream(self, name) for name in (STDOUT, STDERR)}

    @property
    def truncated(self) -> bool:
        """Whether text was dropped at the limit."""
        return self._truncated

    def append(self, stream: str, text: str) -> None:
        with self._lock:
            kept, was_cut = cut(text, self._left)
            self._left -= len(kept.encode())
            self._truncated = self._truncated or was_cut
            if not kept:
                return
            first = not self._waiting
            self._waiting.append((stream, kept))
        if first:
            self._on_text()

    def refill(self, limit: int) -> None:
        """Reset the limit, for example for another input of a session."""
        with self._lock:
            self._left = limit
            self._truncated = False

    def take(self) -> list[tuple[str, str]]:
        """Remove and return the waiting text, as runs of text of one stream."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        runs: list[tuple[str, list[str]]] = []
        for stream, text in waiting:
            if not runs or runs[-1][0] != stream:
                runs.append((stream, []))
            runs[-1][1].append(text)
        return [(stream, "".join(texts)) for stream, texts in runs]


class CapturedStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of evaluated code."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, buffer: OutputBuffer, name: str) -> None:
        super().__init__()
        self._buffer = buffer
        self._name = name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._buffer.append(self._name, text)
        return len(text)
