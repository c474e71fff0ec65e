"""Modules that are imported on first use."""

import importlib

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=1400,
    suspect="function",
)
REQUIREMENTS = []

LATER = ["xml.dom.minidom", "ftplib", "imaplib", "tarfile", "wave", "mailbox", "pydoc"]


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    if i % 200 == 0 and i // 200 < len(LATER):
        importlib.import_module(LATER[i // 200])
