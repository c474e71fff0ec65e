"""One call on its way through the gate: identity, grant, slot, request, record, work."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf.message import Message

from ops_service.call import Call, set_current_call
from ops_service.config.model import LimitsConfig
from ops_service.errors import (
    Busy,
    Cancelled,
    InvalidRequest,
    OpsServiceError,
    RequestTooLarge,
    StreamStalled,
    UnknownMethod,
    WrongProcess,
)
from ops_service.gate.admission import Admission
from ops_service.gate.audit import Audit
from ops_service.gate.authorization import Authorization
from ops_service.gate.methods import Method, extra_capabilities, invoked_operation
from ops_service.gate.principal import PROXY, AuthContext, Principal
from ops_service.gate.rates import Excess, Rates
from ops_service.gate.request_parsing import describe_request, hash_source, parse_request
from ops_service.private_grpc import BaseError

AUDIT_HASH = "ops-audit-hash"
"""Initial metadata of a capture or an evaluation: the hash of its audit record."""

# How long the status of an ended call waits for the call's first message.
_FIRST_MESSAGE_SECONDS = 1.0

# Bytes that HTTP/2 adds to the length of each name and value.
_METADATA_OVERHEAD = 32


class HandlerStatus(Exception):
    """A foreign handler ended its call with a status of its choice."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code


class _HandlerContext:
    """The context of a handler: write, abort, and set the status of a failure."""

    def __init__(self, write: Callable[[Any], Awaitable[None]]) -> None:
        self.write = write
        self._code: grpc.StatusCode | None = None
        self._details = ""

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def set_details(self, details: str) -> None:
        self._details = details

    def refuse_if_told(self) -> None:
        """Raise the status that the handler set. Generated code sets one for a missing method."""
        if self._code is not None:
            raise HandlerStatus(self._code, self._details)

    async def abort(self, code: grpc.StatusCode, details: str = "") -> NoReturn:
        raise HandlerStatus(code, details)


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """The rules and limits for every call."""

    methods: dict[str, Method]
    authorization: Authorization
    admission: Admission
    rates: Rates
    audit: Audit
    limits: LimitsConfig
    instance_id: str
    read_peer: Callable[[Any], AuthContext]
    """Reads the properties of a caller's certificate, from gRPC or a proxy. Raises
    Unauthenticated."""


class CallGuard:
    """One call. `serve` raises the refusal or failure; `record_end` records it."""

    def __init__(
        self,
        rules: CallPolicy,
        path: str,
        handler: Any,
        requests: AsyncIterator[bytes],
        context: Any,
    ) -> None:
        self._rules = rules
        self._path = path
        self._handler = handler
        self._requests = requests
        self._context = context
        self._principal: Principal | None = None
        self._auth_context: AuthContext = {}
        self._needs: list[tuple[str, str]] = []
        self._operation: str | None = None
        self._task: asyncio.Task[Any] | None = None
        self.taken_away: OpsServiceError | None = None
        """Why the call is ended: a right was revoked or a certificate expired since it began.
        None otherwise."""
        self._excess: Excess | None = None
        self._begun = False
        self._first_message: asyncio.Future[None] | None = None
        self._first_begun = False
        self._messages_sent = 0
        self._bytes_sent = 0
        self._started = time.monotonic()
        self.call_id = secrets.token_hex(8)

    async def serve(self) -> None:
        """Check the call. If it passes, do its work."""
        rules = self._rules
        self._task = asyncio.current_task()
        self._check_metadata()
        self._auth_context = rules.read_peer(self._context)
        principal = rules.authorization.identify(self._auth_context)
        self._principal = principal
        method = rules.methods.get(self._path)
        self._refuse_excess(principal, is_health=method is not None and method.is_health)
        rules.authorization.refuse_outdated(self._auth_context)
        rules.authorization.refuse_revoked(self._auth_context)
        if method is None or self._handler is None:
            raise UnknownMethod(
                f"There is no method {self._path}; list them with grpcurl, or compare releases."
            )
        self._require(method.capability, method.name)
        with rules.admission.slot(principal.label, method):
            request = None if method.client_streaming else await self._receive(method)
            await self._record_begin(method, request)
            set_current_call(self._describe(principal))
            await self._work(method, request)

    def _describe(self, principal: Principal) -> Call:
        authorization = self._rules.authorization
        return Call(
            call_id=self.call_id,
            principal=principal.name,
            principal_problem=principal.problem,
            presented_names=principal.presented_names,
            capabilities=authorization.capabilities(principal),
            record=self._record_step,
            require=self._require,
            is_taken_away=lambda: self.taken_away is not None,
            operations=authorization.operations(principal),
        )

    def _require(self, capability: str, purpose: str) -> None:
        """Require a capability of the caller now. From now on, losing it ends the call."""
        assert self._principal is not None
        self._needs.append((capability, purpose))
        self._rules.authorization.require(self._principal, capability, purpose)

    def leave(self) -> None:
        """Drop the reference to the call's task. The task's context refers back to this object,
        and the cycle would be garbage until the application's collector runs."""
        self._task = None

    def check_again(self, authorization: Authorization) -> None:
        """End the call if it would be refused now. Not called by the call itself."""
        # Later checks, after the request is read, use the new authorization too.
        self._rules = dataclasses.replace(self._rules, authorization=authorization)
        self._end_if_refused(self._refuse_by_now)

    def end_if_outdated(self) -> None:
        """End the call if a certificate of its caller expired. Not called by the call itself."""
        self._end_if_refused(lambda: self._rules.authorization.refuse_outdated(self._auth_context))

    def _end_if_refused(self, check: Callable[[], None]) -> None:
        if self._task is None or self._principal is None or self.taken_away is not None:
            return
        try:
            check()
        except OpsServiceError as error:
            self.taken_away = error
            self._task.cancel()

    def _refuse_by_now(self) -> None:
        authorization = self._rules.authorization
        principal = authorization.identify(self._auth_context)
        authorization.refuse_outdated(self._auth_context)
        authorization.refuse_revoked(self._auth_context)
        for need in self._needs:
            authorization.require(principal, *need)
        if self._operation is not None:
            authorization.require_operation(principal, self._operation)

    def _check_metadata(self) -> None:
        # gRPC's own limit applies only once the caller has acknowledged it.
        size = sum(
            len(key) + len(value) + _METADATA_OVERHEAD
            for key, value in self._context.invocation_metadata()
        )
        limit = self._rules.limits.metadata_bytes
        if size > limit:
            raise RequestTooLarge(f"The metadata is {size} bytes; send at most {limit}.")

    def _refuse_excess(self, principal: Principal, *, is_health: bool) -> None:
        # Before anything more expensive, and for callers that are refused as well.
        name = f"health {principal.label}" if is_health else principal.label
        self._excess = self._rules.rates.take(name)
        if self._excess is not None:
            raise Busy(
                f"You make more than {self._rules.limits.calls_per_second:g} calls a second, "
                "which is the limit; slow down.",
                retry_after=self._excess.retry_after,
            )

    async def _receive(self, method: Method) -> Message:
        limit = self._rules.limits.request_seconds
        try:
            async with asyncio.timeout(limit):
                data = await anext(aiter(self._requests), None)
        except TimeoutError:
            raise StreamStalled(f"The request did not arrive within {limit:g} s.") from None
        except BaseError:
            raise Cancelled("The caller disconnected.") from None
        if data is None:
            raise InvalidRequest("The call ended without a request message; send one.")
        message = parse_request(self._handler.request_deserializer, data)
        if method.is_ours:
            self._check_request(method, message)
        return message

    def _check_request(self, method: Method, request: Message) -> None:
        assert self._principal is not None
        pinned: str = request.instance_id  # type: ignore[attr-defined]
        if pinned and pinned != self._rules.instance_id:
            raise WrongProcess(
                f"This process has the instance id {self._rules.instance_id}, not the one that "
                "the request pins; the process may have been restarted, or the address may lead "
                "to several processes.",
                details={"instance_id": self._rules.instance_id},
            )
        for extra in extra_capabilities(request):
            self._require(*extra)
        operation = invoked_operation(request)
        if operation is not None:
            self._operation = operation
            self._rules.authorization.require_operation(self._principal, operation)

    async def _work(self, method: Method, request: Message | None) -> None:
        handler = self._handler
        context = _HandlerContext(self._send)
        if method.client_streaming:
            argument: Any = self._messages(method)
            function = handler.stream_stream
        else:
            argument = request
            function = handler.unary_stream or handler.unary_unary
        if inspect.isasyncgenfunction(function):
            # Closed when the call ends, without waiting for the collector.
            async with aclosing(function(argument, context)) as messages:
                async for message in messages:
                    await self._send(message)
            return
        try:
            result = await function(argument, context)
        except NotImplementedError:
            context.refuse_if_told()
            raise
        if not method.server_streaming:
            await self._send(result)

    async def _messages(self, method: Method) -> AsyncIterator[Message]:
        async for data in self._requests:
            message = parse_request(self._handler.request_deserializer, data)
            if method.is_ours:
                self._check_request(method, message)
            yield message

    async def _send(self, message: Any) -> None:
        # Batches of a snapshot are bytes already and are passed on unchanged.
        data = message if type(message) is bytes else self._handler.response_serializer(message)
        await self._reach_caller(self._context.write(data))
        self._messages_sent += 1
        self._bytes_sent += len(data)

    async def _reach_caller(self, sending: Awaitable[None]) -> None:
        limit = self._rules.limits.stall_seconds
        if not self._first_begun:
            # Not cancelled with the call: gRPC notes that the headers are sent only once this
            # has finished. Until then, it would send them again with the status, and fail.
            self._first_begun = True
            self._first_message = asyncio.ensure_future(sending)
            self._first_message.add_done_callback(self._end_first_message)
            sending = asyncio.shield(self._first_message)
        try:
            async with asyncio.timeout(limit):
                await sending
        except TimeoutError:
            raise StreamStalled(
                f"A message was not read within {limit:g} s, so the stream ended."
            ) from None
        except BaseError:
            raise Cancelled("The caller disconnected.") from None

    async def finish_first_message(self) -> None:
        """Wait for the first message, if it is under way. A status before it would be lost."""
        if self._first_message is not None:
            await asyncio.wait({self._first_message}, timeout=_FIRST_MESSAGE_SECONDS)

    def _end_first_message(self, sent: asyncio.Future[None]) -> None:
        # Its context refers back to this object, as the context of the call's task does.
        self._first_message = None
        if not sent.cancelled():
            # Waiting tasks receive the exception. This marks it as retrieved if none waits.
            sent.exception()

    async def _record_begin(self, method: Method, request: Message | None) -> None:
        record = self._record("begin")
        record["capability"] = method.capability
        if request is not None:
            record["request"] = describe_request(request)
            record |= hash_source(request)
        head = await self._rules.audit.begin(record, durable=method.audit_first)
        self._begun = True
        if method.audit_first:
            # With a saved hash, the caller can detect later that the file was cut or rewritten.
            await self._reach_caller(self._context.send_initial_metadata(((AUDIT_HASH, head),)))

    async def _record_step(self, event: str, facts: dict[str, Any]) -> str:
        return await self._rules.audit.begin(self._record(event) | facts, durable=True)

    def record_end(self, code: str, reason: str, error: BaseException | None = None) -> None:
        """Write the outcome of the work, or the reason of the refusal."""
        if self._excess is not None and not self._excess.calls:
            return
        record = self._record("end" if self._begun else "refused")
        record["code"] = code
        if reason:
            record["reason"] = reason
        if error is not None:
            record["error"] = type(error).__qualname__
        if self._excess is not None:
            record["calls"] = self._excess.calls
        record["seconds"] = round(time.monotonic() - self._started, 6)
        if self._begun:
            record["messages"] = self._messages_sent
            record["bytes"] = self._bytes_sent
        self._rules.audit.end(record)

    def _record(self, event: str) -> dict[str, Any]:
        record: dict[str, Any] = {
            "event": event,
            "call_id": self.call_id,
            "instance_id": self._rules.instance_id,
            "method": self._path,
            "peer": self._context.peer(),
        }
        if self._principal is not None:
            record["principal"] = self._principal.name
            if not self._principal.name:
                record["presented_names"] = list(self._principal.presented_names)
        if proxies := self._auth_context.get(PROXY):
            record["proxy"] = [name.decode("ascii") for name in proxies]
        return record
