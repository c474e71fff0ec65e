"""Runs in the host: namespaces that something else finds first, and objects that the
interpreter and threads hold."""

from __future__ import annotations

import atexit
import codecs
import contextvars
import threading
import types
from dataclasses import replace
from typing import Any

from ops_service.heap.model import ContentLevel, Contents
from ops_service.heap.snapshot import start_capture
from ops_service.varint import undelimited

from . import capture
from .patient import PATIENT


class Marked:
    """An object that a test looks for at a known place."""


class ByRegistration(Marked):
    pass


class InContext(Marked):
    pass


class InThread(Marked):
    pass


class Attributes(dict[Any, Any]):
    """Its entries are its attributes."""

    def __init__(self) -> None:
        super().__init__(entry_of_itself=Marked())
        self.__dict__ = self


class Owner:
    def __init__(self, dictionary: dict[str, object]) -> None:
        self.__dict__ = dictionary


class Registry:
    """Finds namespaces before their owners do, and after."""

    __slots__ = ("deep", "found", "module", "plain", "self_named")

    def __init__(self) -> None:
        before: dict[str, object] = {"first_entry": [1], "no name": [2], "third_entry": [3]}
        same_time: dict[str, object] = {"at_once": [4]}
        module = types.ModuleType("found_by_its_dict")
        module.in_module = [5]  # type: ignore[attr-defined]
        owner = Owner(before)
        self.plain = {"data_key": [6]}
        self.found = [before, same_time, vars(module)]
        self.deep = [[[[owner]]], Owner(same_time), [[[[module]]]]]
        self.module = module.__name__
        self.self_named = Attributes()


KEPT: list[object] = []


def capture_namespaces() -> list[bytes]:
    KEPT.append(Registry())
    messages, _ = capture.snapshot()
    KEPT.clear()
    return messages


VARIABLE: contextvars.ContextVar[object] = contextvars.ContextVar("VARIABLE")


def on_exit(thing: object) -> None:
    pass


def capture_held() -> list[bytes]:
    local = threading.local()
    local.of_this_thread = InThread()
    VARIABLE.set(InContext())
    atexit.register(on_exit, ByRegistration())
    codecs.lookup("latin-1")
    KEPT.append(local)
    messages, _ = capture.snapshot()
    KEPT.clear()
    atexit.unregister(on_exit)
    return messages


def capture_often() -> list[list[bytes]]:
    """Consecutive snapshots, taken in the service's thread as the service does."""
    found: list[list[bytes]] = []

    def take() -> None:
        for _ in range(6):
            found.append(capture.snapshot()[0])

    thread = threading.Thread(target=take, name="ops_service-test")
    thread.start()
    thread.join()
    return found[2:]


def capture_cut(most: int) -> list[bytes]:
    """A snapshot that ends in the middle of namespaces and mappings."""
    KEPT.append(Registry())
    options = replace(
        PATIENT, max_objects=most, contents=Contents(ContentLevel.KEYS, hash_strings=True)
    )
    with start_capture(options) as running:
        messages = list(map(undelimited, running))
    KEPT.clear()
    return messages
