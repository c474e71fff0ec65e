"""opsctl audit verify"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.terminal import say, say_json


@command
def verify(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="The log; rotated files first, oldest first."),
    ],
    head: Annotated[
        str,
        typer.Option(
            "--head", metavar="HASH", help="Hash, kept elsewhere, of a record that must be there."
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Find lines of an audit log that were altered, removed or moved."""
    from ops_client.audit_log import verify_audit_log

    log = verify_audit_log(files, head)
    if json:
        say_json(
            {
                "record_count": log.record_count,
                "head": log.head,
                "begins_with": log.begins_with,
                "head_found": bool(head),
            }
        )
        return
    say(f"{log.record_count} records; each names the one before it.")
    if log.begins_with:
        say(f"The first record follows {log.begins_with}, in a file that was not given.")
    say(f"Head: {log.head or '(none)'}")
    if not head:
        say("Without --head, a log that was cut at its end or rewritten is not detected.")
