"""Terminal output. Text from the server is escaped, so the terminal does not obey it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ops_client._units import seconds as seconds
from ops_client._units import size as size

# Rich and protobuf's JSON take longer to load than many commands take to run.
if TYPE_CHECKING:
    from google.protobuf.message import Message


def printable(text: str, keep: str = "") -> str:
    """Escape the characters that a terminal could obey.

    Control characters, escape sequences and bidirectional marks become backslash
    escapes.
    """
    return "".join(
        each if each.isprintable() or each in keep else each.encode("unicode_escape").decode()
        for each in text
    )


def say(text: str) -> None:
    """Print a line."""
    print(printable(text))


def complain(text: str) -> None:
    """Print an error or a warning to standard error."""
    print(f"opsctl: {printable(text)}", file=sys.stderr)


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table. All columns but the last are numbers."""
    from rich.console import Console
    from rich.table import Table

    # On a terminal, rows are cut to its width. In a pipe, they are whole.
    console = Console(
        markup=False,
        highlight=False,
        emoji=False,
        width=None if sys.stdout.isatty() else 1_000_000,
        no_color=bool(os.environ.get("NO_COLOR")),
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns[:-1]:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column(columns[-1], no_wrap=True)
    for row in rows:
        table.add_row(*map(printable, row))
    console.print(table)


def say_facts(facts: Mapping[str, str]) -> None:
    """Print names and values, one pair per line."""
    width = max(map(len, facts))
    for name, value in facts.items():
        say(f"{name:<{width}}  {value}")


def say_json(document: object) -> None:
    """Print a JSON document as one line of ASCII."""
    print(json.dumps(document, separators=(",", ":")), flush=True)


def as_json(message: Message) -> dict[str, Any]:
    """Convert a message to protobuf's JSON form, including fields that are zero."""
    from inspect import signature

    from google.protobuf.json_format import MessageToDict

    # protobuf 5.26 renamed the option.
    keep_zeros = next(
        name
        for name in ("always_print_fields_with_no_presence", "including_default_value_fields")
        if name in signature(MessageToDict).parameters
    )
    options: dict[str, Any] = {keep_zeros: True, "preserving_proto_field_name": True}
    return MessageToDict(message, **options)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal. In a pipe, show nothing.

    Yields a function that takes the amount done and the total.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=max(done, total) or None)
