"""A capture that can be cancelled."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

from ops_service.heap.model import CaptureOptions
from ops_service.heap.snapshot import Capture, start_capture
from ops_service.messages.snapshot_stream import snapshot_messages


class CaptureJob:
    """A capture that can be cancelled at any time, even before it begins."""

    def __init__(self, options: CaptureOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._capture: Capture | None = None
        self._cancelled = threading.Event()

    def messages(self, **facts: Any) -> Generator[bytes, None, None]:
        """The messages of the snapshot, as `snapshot_messages` yields them. Closing them ends
        the child."""
        with start_capture(self._options, self._cancelled.is_set) as capture:
            with self._lock:
                self._capture = capture
                if self._cancelled.is_set():
                    return
            yield from snapshot_messages(capture, **facts)

    def cancel(self) -> None:
        """Make the messages end soon. Safe from any thread."""
        with self._lock:
            self._cancelled.set()
            capture = self._capture
        if capture is not None:
            capture.cancel()
