# Generated from _async/calls.py by tools/generate_sync_client.py. Do not edit.
"""One channel, and calls on it. Each ends in a result or in an ops_client exception."""

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
                # The port is private: ignore the environment's proxy.
                ("grpc.enable_http_proxy", 0),
                # This bounds a connection attempt in gRPC, including the handshake.
                ("grpc.min_reconnect_backoff_ms", int(self._connect_timeout * 1000)),
                # Detects within half a minute that a silent stream is dead.
                ("grpc.keepalive_time_ms", 20_000),
                ("grpc.keepalive_timeout_ms", 10_000),
                # With retries, gRPC 1.85 loses the end of some calls whose connection is
                # refused: the status is there, but a read of a reply never returns.
                ("grpc.enable_retries", 0),
            ]
            if self._credentials.server_name:
                options.append(("grpc.ssl_target_name_override", self._credentials.server_name))
            self._channel = open_sync_channel(self.target, self._channel_credentials, options)
        return self._channel

    @property
    def stub(self) -> Any:
        """The generated stub. It has no type annotations."""
        return maintenance_service_pb2_grpc.MaintenanceServiceStub(self.channel)

    def close(self) -> None:
        """Close the channel, and end calls that still run."""
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
                first reply, if the server sends one.
        """
        call = method(request, timeout=timeout)
        try:
            for reply in call:
                # The metadata came before the reply. Without a reply, gRPC might wait for it
                # forever: a refused connection can leave that wait behind.
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
        """Make a call with a stream of a header, parts and a last part, and read all of it.

        Args:
            method: Method of the stub.
            request: Its request.
            timeout: Seconds.
            keep: Kind of the parts to return.
            end: Kind of the last part: "trailer" or "result".
            lost: Error message if the header or the last part is missing.
            on_part: For each kind of part, a function that is called as a part arrives.
            on_audit_hash: As for `stream`.

        Returns:
            The header, the parts of the kind ``keep``, and the last part.

        Raises:
            ConnectionLost: The header or the last part is missing.
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
        """Return the exception for a failed call. Probes the port if no answer came."""
        if is_answer(error):
            return call_failed(error)
        found = run_sync(probe, self.target, self._credentials, self._connect_timeout)
        if found is not None:
            return found
        if error.code() == grpc.StatusCode.UNAVAILABLE:
            return ConnectionLost(
                f"The connection to {self.target} broke ({error.details()}), but the port answers "
                "again: the process or a proxy closed it. Try again."
            )
        if not self._answers():
            return ServerSilent(SILENT.format(target=self.target))
        return DeadlineExceeded(
            f"The call did not finish within {timeout:g} s, although the process answers. Allow "
            "it more time."
        )

    def _answers(self) -> bool:
        request = process_pb2.GetPrincipalRequest()
        try:
            self.stub.GetPrincipal(request, timeout=self._connect_timeout)
        except grpc.RpcError as error:
            return is_answer(error)  # type: ignore[arg-type]
        return True
