"""Lifecycle of the service's thread: start, stop, and forks of the host.

Threads: the host's thread calls `start` and `Service.stop`. The thread
"ops_service" runs the loop with gRPC and the gate. "ops_service-audit" writes
records. Blocking work runs in separate daemon threads (`ops_service.threads`).
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from ops_service.config.checks import check_config
from ops_service.config.file import apply_environment, load_config, with_place
from ops_service.config.model import Config
from ops_service.config.warnings import warn_of_missing_audit
from ops_service.errors import ConfigurationError, StartError
from ops_service.gate.authorization import Authorization
from ops_service.heap import pause
from ops_service.heap.own import register
from ops_service.log import Log
from ops_service.private_grpc import keep_for_ever, problem
from ops_service.process.alarms import Alarm, Alarms
from ops_service.process.identity import identify_process
from ops_service.process.loops import LoopFinder
from ops_service.process.worker_descriptors import (
    Descriptor,
    describe,
    prepare_directory,
    remove_descriptor,
    write_descriptor,
)
from ops_service.repl.places import MainThreadExecutor, Places
from ops_service.server.assembly import Dependencies, Parts, assemble
from ops_service.server.forks import hear_of_forks, refuse_after_fork, will_start
from ops_service.server.port import closes_for_forks
from ops_service.server.reload import Reloader, client_ca
from ops_service.server.resources import open_resources
from ops_service.server.thread_room import refuse_without_room
from ops_service.threads import post, refuse_green_threads
from ops_service.tls.credentials import CertificateSource
from ops_service.tls.revocation import Revocation, load_revocation
from ops_service.watch.rules import RuleFired

_LOG = Log()

_START_SECONDS = 30.0
_STOP_SECONDS = 2.0
_SHARED = (
    "The port shares gRPC with the application, because {}. So each fork of this process closes "
    "the port for a moment and ends its calls. With grpcio 1.80 and newer, a forked child that "
    "closes its descriptors may still end by SIGABRT. If no forked child uses gRPC, set "
    "GRPC_ENABLE_FORK_SUPPORT=0 in the environment of the process, which prevents both."
)

# The host must exit within 2 s, including its own work at exit.
_EXIT_SECONDS = 1.0


def start(
    config: Config | None = None,
    *,
    namespace: Mapping[str, Any] | None = None,
    role: str = "",
    hook: Callable[[RuleFired], object] | None = None,
    main_thread_executor: MainThreadExecutor | None = None,
    event_loop: asyncio.AbstractEventLoop | None = None,
) -> Service:
    """Open the maintenance port of this process.

    Start it after the process has forked, in each worker (gunicorn:
    ``post_fork``). A service does not survive a fork, and the child cannot
    start another. If the process forks later, the child runs as if there were
    no port, and the parent's port and calls continue. For this, the port loads
    gRPC's native code a second time. If that is not possible, an alarm reports
    it, and the port closes for the moment of each fork.

    Args:
        config: By default, the TOML file that ``OPS_SERVICE_CONFIG`` names. If it
            was read from a file, its grants are read again when the file changes.
            ``OPS_SERVICE_EVALUATE=off`` in the environment always switches evaluation
            off, whatever the configuration says.
        namespace: Names for evaluated code, such as ``{"app": app}``, looked
            up at each evaluation.
        role: What this process is, such as "worker". ListWorkers returns it.
        hook: Called when a rule with the action ``hook`` fires, in a separate
            thread. Its exceptions are logged.
        main_thread_executor: Takes a function without arguments and makes the main
            thread call it soon, such as the ``put`` of a queue that the main thread
            drains. Without one, no code is evaluated there.
        event_loop: The application's asyncio loop, for code that awaits. Without
            one, a running loop is searched for when code awaits: the main thread's,
            or the only one.

    Raises:
        ConfigurationError: The configuration is wrong or unsafe.
        StartError: The port cannot be opened here.
    """
    if config is None:
        config = load_config()
    check_config(config)
    config = apply_environment(config)
    refuse_green_threads()
    refuse_after_fork()
    # Before any part of gRPC is created: certificates already start one of its threads.
    refuse_without_room()
    warn_of_missing_audit(config)
    places = Places(main_thread_executor, LoopFinder(event_loop).find)
    try:
        return Service(config, {} if namespace is None else namespace, role, hook, places)
    except ConfigurationError as error:
        raise with_place(error, config.source) from None


class Service:
    """A running maintenance port. Made by `start`; usable as a context manager."""

    def __init__(
        self,
        config: Config,
        namespace: Mapping[str, Any],
        role: str,
        hook: Callable[[RuleFired], object] | None,
        places: Places,
    ) -> None:
        self._config = config
        self._role = role
        self._identity = identify_process()
        self._address = ""
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        # Set once the port is open.
        self._parts: Parts | None = None
        # Threads that are forking while the port is closed for them.
        self._forking: set[int] = set()
        self._stopped = False
        pause.configure(config.heap.pause_budget_seconds)
        self._certificates = CertificateSource(config.tls) if config.tls is not None else None
        self._revocation = load_revocation(config.revocation, client_ca(config))
        self._alarms = Alarms(self._on_alarm)
        self._reloader = Reloader(
            config,
            self._certificates,
            self._revocation,
            self._alarms,
            self._set_authorization,
            self._renew_port,
            self._end_outdated_calls,
        )
        if config.server.run_directory is not None:
            prepare_directory(config.server.run_directory)
        will_start()
        self._resources = open_resources(config, self._identity)
        dependencies = Dependencies(
            config=config,
            identity=self._identity,
            address=self._resources.claim.address,
            namespace=namespace,
            places=places,
            hook=hook,
            certificates=self._certificates,
            revocation=self._revocation,
            alarms=self._alarms,
            audit=self._resources.audit,
            store=self._resources.store,
            own_descriptor=self._describe,
        )
        self._thread = threading.Thread(
            target=self._run, args=(dependencies,), name="ops_service", daemon=True
        )
        # One object, as each access makes another.
        self._exit_hook = self._stop_at_exit
        self._open()
        # The application holds the service, and the service holds the whole port.
        register(self)
        register(self._exit_hook)
        atexit.register(self._exit_hook)

    def _open(self) -> None:
        # From here on, a fork may inherit part of gRPC.
        hear_of_forks(self)
        try:
            self._thread.start()
        except BaseException:
            self._resources.close(_STOP_SECONDS)
            raise
        try:
            self._wait_until_open()
            self._reloader.start()
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        """Address of the port: ``host:port`` with the real port, or ``unix:/path``."""
        return self._address

    @property
    def instance_id(self) -> str:
        """Random id of this process's service. Requests may pin it."""
        return self._identity.instance_id

    @property
    def running(self) -> bool:
        """Whether the port is open in this process. False in a forked child."""
        return self._identity.pid == os.getpid() and not self._stopped and self._thread.is_alive()

    def stop(self, timeout: float = _STOP_SECONDS) -> None:
        """Close the port and end all calls. Does nothing if it is closed already.

        Args:
            timeout: Maximum wait, in seconds.
        """
        if self._stopped or self._identity.pid != os.getpid():
            return
        self._stopped = True
        self._reloader.stop()
        atexit.unregister(self._exit_hook)
        if self._stopping is not None:
            self._post(self._stopping.set)
        deadline = time.monotonic() + timeout
        # The rest of the time is for the records of the calls that end.
        self._thread.join(timeout * 0.8)
        self._remove_descriptor()
        self._resources.close(deadline - time.monotonic())

    def _wait_until_open(self) -> None:
        if not self._ready.wait(_START_SECONDS):
            raise StartError(
                f"The port did not open within {_START_SECONDS:g} s; the process has no CPU "
                "time, or another thread holds the GIL."
            )
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _stop_at_exit(self) -> None:
        self.stop(_EXIT_SECONDS)

    def _post(self, callback: Callable[..., object], *args: Any) -> None:
        """Call a function on the loop, if there is one."""
        if self._loop is not None:
            post(self._loop, callback, *args)

    # ---- called in the thread that checks the files ----

    def _set_authorization(self, config: Config, revocation: Revocation) -> None:
        trust = self._certificates.trust if self._certificates is not None else None
        validities = self._certificates.validities if self._certificates is not None else None
        authorization = Authorization(config, revocation, trust, validities)
        if self._parts is not None:
            self._post(self._parts.gate.set_authorization, authorization)
            self._parts.live.sessions.keep_where(authorization.may_evaluate)
        self._resources.audit.end({**self._about_files, "event": "reloaded"})

    def _renew_port(self, end_calls: bool) -> None:
        if self._parts is not None:
            self._post(self._parts.port.renew, end_calls)
        self._resources.audit.end({**self._about_files, "event": "renewed"})

    def _end_outdated_calls(self) -> None:
        if self._parts is not None and self._parts.gate.open_calls:
            self._post(self._parts.gate.end_outdated)

    def _on_alarm(self, topic: str, alarm: Alarm | None) -> None:
        text = {"text": alarm.text} if alarm is not None else {}
        event = "mended" if alarm is None else "alarm"
        self._resources.audit.end({**self._about_files, "event": event, "topic": topic, **text})
        self._post(self._set_health)

    @property
    def _about_files(self) -> dict[str, str]:
        return {"instance_id": self.instance_id, "method": ""}

    def _set_health(self) -> None:
        if self._parts is not None:
            alarmed = bool(self._alarms.standing())
            self._setting_health = asyncio.ensure_future(self._parts.set_health(alarmed=alarmed))

    # ---- forks of the host ----

    def before_fork(self) -> None:
        """Prepare the port for a fork. Called by `ops_service.server.forks`, like the next two."""
        if self._parts is None or not self.running:
            return
        if self._parts.port.before_fork():
            self._forking.add(threading.get_ident())

    def after_fork_in_parent(self) -> None:
        """Open the port again, if it was closed for this fork."""
        if self._parts is not None and threading.get_ident() in self._forking:
            self._forking.discard(threading.get_ident())
            self._parts.port.after_fork()

    def after_fork_in_child(self) -> None:
        """Drop sockets, locks and files inherited by the forked child. It has no service."""
        self._stopped = True
        keep_for_ever(self)
        self._resources.release_in_child()
        if self._parts is not None:
            self._parts.port.leave_in_child()
            self._parts.live.restore_after_fork()

    # ---- in the service's thread ----

    def _describe(self) -> Descriptor:
        return describe(
            self._identity, address=self._address, role=self._role, slot=self._resources.claim.slot
        )

    def _remove_descriptor(self) -> None:
        directory = self._config.server.run_directory
        if directory is not None and self._parts is not None:
            remove_descriptor(directory, self._describe())

    def _run(self, dependencies: Dependencies) -> None:
        try:
            # Not from the host's event loop policy: the service uses this loop, whatever the
            # host prefers. Not asyncio.Runner either: it cancels remaining tasks at the end,
            # and gRPC then prints tracebacks to the host's standard error.
            loop = asyncio.SelectorEventLoop()
            # A gRPC thread, which every server in the process shares, holds the loop too.
            register(loop)
            loop.set_exception_handler(_log_loop_exception)
            try:
                loop.run_until_complete(self._serve(dependencies))
            finally:
                loop.close()
        except BaseException as error:
            if not self._ready.is_set():
                self._failure = error
            else:
                _LOG.error("the maintenance port ended", exc_info=error)
        finally:
            self._ready.set()

    async def _serve(self, dependencies: Dependencies) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        parts = await assemble(dependencies)
        if closes_for_forks():
            self._alarms.set("forks", _SHARED.format(problem))
        try:
            await parts.begin()
            self._address = parts.port.address
            if self._config.server.run_directory is not None:
                write_descriptor(self._config.server.run_directory, self._describe())
            self._parts = parts
            self._ready.set()
            await parts.port.keep_open(self._stopping)
        finally:
            await parts.end()


def _log_loop_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # asyncio's default handler would log harmless events here at level ERROR in the
    # host's log, such as gRPC's wake-ups shared between loops.
    _LOG.debug("on the loop: %s", context.get("message"), exc_info=context.get("exception"))
