"""The tree of opsctl's commands."""

from __future__ import annotations

import sys

from ops_client.cli.lazy_group import lazy_group

app = lazy_group(
    "Inspect a running Python process through its maintenance port.",
    {
        "whoami": "whoami:whoami",
        "status": "status:status",
        "ps": "ps:ps",
        "stacks": "stacks:stacks",
        "eval": "evaluate:evaluate",
        "repl": "repl:repl",
    },
)
for _name, _text, _commands in (
    ("alloc", "Trace memory allocations.", {"trace": "alloc_trace:trace"}),
    ("audit", "Audit logs.", {"verify": "audit_verify:verify"}),
    ("certs", "Certificates for development.", {"init": "certs_init:init"}),
    (
        "heap",
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
    (
        "leaks",
        "Leak growth reports.",
        {"watch": "leaks_watch:watch", "report": "leaks_report:report"},
    ),
    (
        "loggers",
        "Log levels.",
        {"list": "loggers_list:list_", "set": "loggers_set:set_"},
    ),
    (
        "ops",
        "Operations that the application offers.",
        {"list": "ops_list:list_", "run": "ops_run:run"},
    ),
    (
        "memory",
        "Show and reclaim memory.",
        {"show": "memory_show:show", "reclaim": "memory_reclaim:reclaim"},
    ),
):
    app.add_typer(lazy_group(_text, _commands), name=_name)

# A name from the server must not fail the command on an ASCII terminal.
for _stream in (sys.stdout, sys.stderr):
    _stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
