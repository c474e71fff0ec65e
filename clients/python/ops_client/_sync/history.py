# Generated from _async/history.py by tools/generate_sync_client.py. Do not edit.
"""Methods of the synchronous client that read the history of a background watch."""

from __future__ import annotations

from contextlib import closing

from ops_client._sync.calls import Calls
from ops_client._history import GrowthHistory
from ops_client.errors import ConnectionLost
from ops_service.v1 import growth_history_pb2

_TIMEOUT = 60.0


class HistoryMethods:
    """The part of the client that reads what a background watch saw."""

    _calls: Calls
    _instance_id: str

    def read_growth_history(
        self,
        *,
        previous: bool = False,
        stored_instance_id: str = "",
        timeout: float = _TIMEOUT,
    ) -> GrowthHistory:
        """Return what the background watch saw since its start. Needs INSPECT.

        Args:
            previous: Read the history of the process that ended last, from the store.
            stored_instance_id: Read the history of the process with this id, from the
                store.
            timeout: Seconds.

        Raises:
            WatchDisabled: No watch runs in the process.
            StoreDisabled: The process has no store.
            HistoryNotFound: The store has no such history.
        """
        request = growth_history_pb2.ReadGrowthHistoryRequest(
            instance_id=self._instance_id,
            previous=previous,
            stored_instance_id=stored_instance_id,
        )
        header = trailer = None
        records = []
        call = self._calls.stream(self._calls.stub.ReadGrowthHistory, request, timeout)
        with closing(call) as replies:
            for reply in replies:
                kind = reply.WhichOneof("part")
                if kind == "header":
                    header = reply.header
                elif kind == "record":
                    records.append(reply.record)
                elif kind == "trailer":
                    trailer = reply.trailer
        if header is None or trailer is None:
            raise ConnectionLost("The history ended before its trailer. Try again.")
        return GrowthHistory(header, tuple(records), tuple(trailer.warnings))
