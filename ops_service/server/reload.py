"""Watches the files: changes on disk take effect within seconds.

Certificates, revocation lists, grants, trust domains and denied serials follow
their files. If a file cannot be used, the old state stays in force and an alarm
is raised, which stays active until the file is fixed. Everything else in the
configuration takes effect at the next start, and an alarm reports that.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

from ops_service.config.file import load_config
from ops_service.config.model import Config
from ops_service.config.trusted_files import Stamp, read_stamp
from ops_service.config.warnings import warn_of_missing_audit
from ops_service.process.alarms import Alarms
from ops_service.tls.credentials import CertificateSource
from ops_service.tls.revocation import Revocation, load_revocation

# Each check costs half a dozen calls of stat().
_LOOK_SECONDS = 1.0

# Fields that follow the configuration file; "source" is the file's path.
_LIVE = ("grants", "authorization", "revocation", "source")


def client_ca(config: Config) -> Path | None:
    """The file of client authorities, if the port itself terminates TLS."""
    return config.tls.client_ca if config.tls is not None else None


class Reloader:
    """The thread "ops_service-files". `start` starts it, `stop` ends it."""

    def __init__(
        self,
        config: Config,
        certificates: CertificateSource | None,
        revocation: Revocation,
        alarms: Alarms,
        apply: Callable[[Config, Revocation], None],
        renew: Callable[[bool], None],
        look_at_clock: Callable[[], None],
    ) -> None:
        """Prepare. Reads nothing but the modification times of files.

        Args:
            apply: Called in the thread with the configuration and revocation now in force.
            renew: Called in the thread when certificates have changed. The argument is true
                if calls under way must end: an authority was removed, and it is unknown
                which calls depend on it.
            look_at_clock: Called in the thread once a second.
        """
        self._started_with = config
        self._config = config
        self._certificates = certificates
        self._revocation = revocation
        self._alarms = alarms
        self._apply = apply
        self._renew = renew
        self._look_at_clock = look_at_clock
        self._config_stamp = self._stamp(config.source)
        self._revocation_stamp = self._revocation_stamps()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ops_service-files", daemon=True)

    def start(self) -> None:
        """Start checking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop checking. Does not wait."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            # First, since reading a large file takes long.
            self._look_at_clock()
            # A failure with one kind of file must not prevent the checks of the others.
            for topic, look in (
                ("tls", self._look_at_certificates),
                ("configuration", self._look_at_configuration),
                ("revocation", self._look_at_revocation),
            ):
                try:
                    changed = look()
                except Exception as error:
                    self._alarms.set(
                        topic, f"A changed file cannot be used; the old state stays: {error}."
                    )
                else:
                    if changed:
                        self._alarms.set(topic, "")
            self._alarms.set("stale_revocation_list", self._revocation.stale())

    @staticmethod
    def _stamp(path: Path | None) -> Stamp | None:
        try:
            return read_stamp(path) if path is not None else None
        except OSError:
            return None

    def _revocation_stamps(self) -> tuple[Stamp | None, ...]:
        config = self._config
        return (self._stamp(config.revocation.crl), self._stamp(client_ca(config)))

    def _look_at_certificates(self) -> bool:
        certificates = self._certificates
        if certificates is None:
            return False
        before = certificates.validities
        if not certificates.look():
            return False
        self._renew(certificates.lost_authority and certificates.trust is None)
        if certificates.validities is not before:
            self._apply(self._config, self._revocation)
        return True

    def _look_at_configuration(self) -> bool:
        source = self._started_with.source
        stamp = self._stamp(source)
        if source is None or stamp == self._config_stamp:
            return False
        # Remembered even if the file cannot be used, so each change is read once.
        self._config_stamp = stamp
        fresh = load_config(source, may_grant_nothing=True)
        self._say_what_needs_a_start(fresh)
        live = {name: getattr(fresh, name) for name in _LIVE}
        config = dataclasses.replace(self._started_with, **live)
        revocation = load_revocation(config.revocation, client_ca(config))
        warn_of_missing_audit(config, before=self._config)
        self._take(config, revocation)
        return True

    def _look_at_revocation(self) -> bool:
        stamps = self._revocation_stamps()
        if self._config.revocation.crl is None or stamps == self._revocation_stamp:
            return False
        self._revocation_stamp = stamps
        fresh = load_revocation(self._config.revocation, client_ca(self._config))
        self._take(self._config, fresh)
        return True

    def _take(self, config: Config, revocation: Revocation) -> None:
        self._config, self._revocation = config, revocation
        self._revocation_stamp = self._revocation_stamps()
        self._apply(config, revocation)

    def _say_what_needs_a_start(self, fresh: Config) -> None:
        changed = [
            field.name
            for field in dataclasses.fields(Config)
            if field.name not in _LIVE
            and getattr(fresh, field.name) != getattr(self._started_with, field.name)
        ]
        self._alarms.set(
            "restart",
            f"{', '.join(changed)} changed in {fresh.source}; restart the process for it "
            "to take effect."
            if changed
            else "",
        )
