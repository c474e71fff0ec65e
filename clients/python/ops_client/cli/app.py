"""The tree of opsctl's commands."""

from __future__ import annotations

import sys

from ops_client.cli.lazy_group import lazy_group

app = lazy_group(
    "Look into a running Python process through its maintenance port.",
    {
        "whoami": "whoami:whoami",
        "status": "status:status",
        "ps": "ps:ps",
        "stacks": "stacks:stacks",
        "eval": "evaluate:evaluate",
        "repl": "repl:repl",
    },
)
app.add_typer(
    lazy_group("Where memory is allocated.", {"trace": "alloc_trace:trace"}),
    name="alloc",
)
app.add_typer(
    lazy_group("Audit logs.", {"verify": "audit_verify:verify"}),
    name="audit",
)
app.add_typer(
    lazy_group("Certificates for development.", {"init": "certs_init:init"}),
    name="certs",
)
app.add_typer(
    lazy_group(
        "Heap snapshots.",
        {
            "summary": "heap_summary:summary",
            "capture": "heap_capture:capture",
            "convert": "heap_convert:convert",
            "list": "heap_list:list_snapshots",
            "fetch": "heap_fetch:fetch",
            "retained": "heap_retained:retained",
            "suspects": "heap_suspects:suspects",
            "path": "heap_path:path",
            "diff": "heap_diff:diff",
            "report": "heap_report:report",
            "export": "heap_export:export",
            "query": "heap_query:query",
        },
    ),
    name="heap",
)
app.add_typer(
    lazy_group(
        "Leak growth reports.",
        {"watch": "leaks_watch:watch", "report": "leaks_report:report"},
    ),
    name="leaks",
)
app.add_typer(
    lazy_group(
        "Levels of loggers.",
        {"list": "loggers_list:list_", "set": "loggers_set:set_"},
    ),
    name="loggers",
)
app.add_typer(
    lazy_group(
        "Operations that the application offers.",
        {"list": "ops_list:list_", "run": "ops_run:run"},
    ),
    name="ops",
)
app.add_typer(
    lazy_group(
        "Where the memory is, and giving it back.",
        {"show": "memory_show:show", "reclaim": "memory_reclaim:reclaim"},
    ),
    name="memory",
)

# A name from the server must not end the command on a terminal of plain ASCII.
for _stream in (sys.stdout, sys.stderr):
    _stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
