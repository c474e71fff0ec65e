# Generated from _async/calls.py by tools/generate_sync_client.py. Do not edit.
"""One channel, and calls on it that end in a result or in an exception of ours."""

from __future__ import annotations

from collections.abc import Generator, Callable, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any

import grpc

from ops_client._flavours import open_sync_channel, run_sync
from ops_client._probe import SILENT, probe
from ops_client._status import call_failed, is_answer
from ops_client.credentials import ClientCredentials
from ops_client.errors import ConnectionLost, DeadlineExceeded, OpsClientError, ServerSilent
from ops_service.v1 import maintenance_service_pb2_grpc, process_pb2

AUDIT_HASH = "ops-audit-hash"
"""Initial metadata of captures and evaluations."""

_NO_HANDLERS: Mapping[str, Callable[[Any], None] | None] = MappingProxyType({})


class Calls:
    """A lazily opened channel to one target."""

    def __init__(self, target: str, credentials: ClientCredentials, connect_timeout: float) -> None:
        self.target = target
        self._credentials = credentials
        self._channel_credentials = credentials.channel_credentials()
        self._connect_timeout = connect_timeout
        self._channel: grpc.Channel | None = None

    @property
    def channel(self) -> grpc.Channel:
        """The channel."""
        if self._channel is None:
            options: list[tuple[str, int | str]] = [
                # The port is private: a proxy of the environment is not meant.
                ("grpc.enable_http_proxy", 0),
                # gRPC bounds a connection attempt by this, handshake included.
                ("grpc.min_reconnect_backoff_ms", int(self._connect_timeout * 1000)),
                # Notices within half a minute that a silent stream is dead.
                ("grpc.keepalive_time_ms", 20_000),
                ("grpc.keepalive_timeout_ms", 10_000),
                # With its retries gRPC 1.85 loses the end of some calls whose connection is
                # refused: the status is there, and what waits for a reply waits for ever.
                ("grpc.enable_retries", 0),
            ]
            if self._credentials.server_name:
                options.append(("grpc.ssl_target_name_override", self._credentials.server_name))
            self._channel = open_sync_channel(self.target, self._channel_credentials, options)
        return self._channel

    @property
    def stub(self) -> Any:
        """The generated stub, which has no types."""
        return maintenance_service_pb2_grpc.MaintenanceServiceStub(self.channel)

    def close(self) -> None:
        """Close the channel; calls that still run end."""
        if self._channel is not None:
            channel, self._channel = self._channel, None
            channel.close()

    def unary(self, method: Any, request: Any, timeout: float) -> Any:
        """Make a call with one reply."""
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            raise self.explain(error, timeout) from error

    def stream(
        self,
        method: Any,
        request: Any,
        timeout: float,
        on_audit_hash: Callable[[str], None] | None = None,
    ) -> Generator[Any, None, None]:
        """Make a call with a stream of replies. Closing the iterator cancels it.

        Args:
            on_audit_hash: Called with the hash of the call's audit record, before the
                first reply, if the server tells one.
        """
        call = method(request, timeout=timeout)
        try:
            for reply in call:
                # It came before the reply. Where nothing comes gRPC might wait for it without
                # an end: a connection that is refused can leave the wait behind.
                if on_audit_hash is not None:
                    for key, value in call.initial_metadata() or ():
                        if key == AUDIT_HASH:
                            on_audit_hash(str(value))
                    on_audit_hash = None
                yield reply
        except grpc.RpcError as error:
            raise self.explain(error, timeout) from error
        finally:
            call.cancel()

    def whole(
        self,
        method: Any,
        request: Any,
        timeout: float,
        *,
        keep: str,
        end: str,
        lost: str,
        on_part: Mapping[str, Callable[[Any], None] | None] = _NO_HANDLERS,
        on_audit_hash: Callable[[str], None] | None = None,
    ) -> tuple[Any, tuple[Any, ...], Any]:
        """Make a call with a stream of a header, parts and an end, and read all of it.

        Args:
            method: Of the stub.
            request: Its request.
            timeout: Seconds.
            keep: The parts that are returned.
            end: What the last part is: "trailer" or "result".
            lost: What to say if it does not come.
            on_part: For a kind of parts, what is called with each as it comes.
            on_audit_hash: As for `stream`.

        Returns:
            The header, the parts that are kept, and the end.

        Raises:
            ConnectionLost: Header or end are missing.
        """
        header = last = None
        kept = []
        with closing(self.stream(method, request, timeout, on_audit_hash)) as replies:
            for reply in replies:
                kind = reply.WhichOneof("part")
                part = None if kind is None else getattr(reply, kind)
                if kind == "header":
                    header = part
                elif kind == end:
                    last = part
                elif kind == keep:
                    kept.append(part)
                handler = on_part.get(kind)
                if handler is not None:
                    handler(part)
        if header is None or last is None:
            raise ConnectionLost(lost)
        return header, tuple(kept), last

    def explain(self, error: Any, timeout: float) -> OpsClientError:
        """The exception for a call that failed. Knocks at the port if need be."""
        if is_answer(error):
            return call_failed(error)
        found = run_sync(probe, self.target, self._credentials, self._connect_timeout)
        if found is not None:
            return found
        if error.code() == grpc.StatusCode.UNAVAILABLE:
            return ConnectionLost(
                f"The connection to {self.target} broke ({error.details()}), and the port answers "
                "again: the process or a proxy ended it. Try again."
            )
        if not self._answers():
            return ServerSilent(SILENT.format(target=self.target))
        return DeadlineExceeded(
            f"The call was not done within {timeout:g} s, although the process answers. Allow it "
            "more time."
        )

    def _answers(self) -> bool:
        request = process_pb2.GetPrincipalRequest()
        try:
            self.stub.GetPrincipal(request, timeout=self._connect_timeout)
        except grpc.RpcError as error:
            return is_answer(error)  # type: ignore[arg-type]
        return True
