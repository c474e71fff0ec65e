"""What a service holds outside itself: its address, its audit file, its store."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from ops_service.config.model import Config, StoreConfig
from ops_service.gate.audit import Audit, open_sink
from ops_service.process.identity import ProcessIdentity
from ops_service.server.worker_slots import Claim, claim_address
from ops_service.store.model import InstanceFacts
from ops_service.store.store import Store


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything that must be released when the service ends. Made by `open_resources`."""

    claim: Claim
    audit: Audit
    store: Store | None

    def close(self, audit_seconds: float) -> None:
        """Release everything.

        Args:
            audit_seconds: How long to wait until the last audit records are written.
        """
        self.audit.close(audit_seconds)
        self.claim.release()
        if self.store is not None:
            self.store.close()

    def release_in_child(self) -> None:
        """Drop in a forked child what it inherited."""
        # The lock itself was not inherited.
        self.claim.release()
        if self.store is not None:
            self.store.give_up_in_child()


def open_resources(config: Config, identity: ProcessIdentity) -> Resources:
    """Claim the address, and open the audit file and the store.

    Raises:
        StartError: One of them cannot be had. Nothing stays open then.
    """
    with contextlib.ExitStack() as opened:
        claim = claim_address(config.server, private=config.mesh.enabled)
        opened.callback(claim.release)
        sink = open_sink(config.audit)
        opened.callback(sink.close)
        store = open_store(config.store, identity)
        if store is not None:
            opened.callback(store.close)
        resources = Resources(claim, Audit(sink), store)
        opened.pop_all()
        return resources


def open_store(config: StoreConfig, identity: ProcessIdentity) -> Store | None:
    """Return the store of this process, or None if it is switched off.

    Raises:
        StartError: Its directory is not safe or does not exist.
    """
    if config.directory is None:
        return None
    facts = InstanceFacts(
        instance_id=identity.instance_id,
        pid=identity.pid,
        host_name=identity.host_name,
        start_time=identity.start_time,
        service_start_time=identity.service_start_time,
    )
    return Store(config.directory, config.max_bytes, facts)
