"""The tree of opsctl's commands."""

from __future__ import annotations

import sys

import typer

from ops_client.cli.alloc_trace import trace
from ops_client.cli.audit_verify import verify
from ops_client.cli.certs_init import init
from ops_client.cli.evaluate import evaluate
from ops_client.cli.heap_capture import capture
from ops_client.cli.heap_convert import convert
from ops_client.cli.heap_diff import diff
from ops_client.cli.heap_export import export
from ops_client.cli.heap_fetch import fetch
from ops_client.cli.heap_list import list_snapshots
from ops_client.cli.heap_path import path
from ops_client.cli.heap_query import query
from ops_client.cli.heap_report import report
from ops_client.cli.heap_retained import retained
from ops_client.cli.heap_summary import summary
from ops_client.cli.heap_suspects import suspects
from ops_client.cli.leaks_report import report as leaks_report
from ops_client.cli.leaks_watch import watch
from ops_client.cli.loggers_list import list_ as list_loggers
from ops_client.cli.loggers_set import set_ as set_logger
from ops_client.cli.memory_reclaim import reclaim
from ops_client.cli.memory_show import show
from ops_client.cli.ops_list import list_ as list_operations
from ops_client.cli.ops_run import run as run_operation
from ops_client.cli.ps import ps
from ops_client.cli.repl import repl
from ops_client.cli.stacks import stacks
from ops_client.cli.status import status
from ops_client.cli.whoami import whoami


def _group(text: str) -> typer.Typer:
    # Without Rich's markup in help, usage errors are plain lines too.
    return typer.Typer(
        help=text,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )


app = _group("Look into a running Python process through its maintenance port.")
alloc = _group("Where memory is allocated.")
audit = _group("Audit logs.")
certs = _group("Certificates for development.")
heap = _group("Heap snapshots.")
leaks = _group("Leak growth reports.")
loggers = _group("Levels of loggers.")
operations = _group("Operations that the application offers.")
memory = _group("Where the memory is, and giving it back.")

app.command("whoami")(whoami)
app.command("status")(status)
app.command("ps")(ps)
app.command("stacks")(stacks)
app.command("eval")(evaluate)
app.add_typer(alloc, name="alloc")
app.add_typer(audit, name="audit")
app.command("repl")(repl)
app.add_typer(certs, name="certs")
app.add_typer(heap, name="heap")
app.add_typer(leaks, name="leaks")
app.add_typer(loggers, name="loggers")
app.add_typer(operations, name="ops")
app.add_typer(memory, name="memory")
alloc.command("trace")(trace)
audit.command("verify")(verify)
certs.command("init")(init)
heap.command("summary")(summary)
heap.command("capture")(capture)
heap.command("convert")(convert)
heap.command("list")(list_snapshots)
heap.command("fetch")(fetch)
heap.command("retained")(retained)
heap.command("suspects")(suspects)
heap.command("path")(path)
heap.command("diff")(diff)
heap.command("report")(report)
heap.command("export")(export)
heap.command("query")(query)
leaks.command("watch")(watch)
leaks.command("report")(leaks_report)
loggers.command("list")(list_loggers)
loggers.command("set")(set_logger)
operations.command("list")(list_operations)
operations.command("run")(run_operation)
memory.command("show")(show)
memory.command("reclaim")(reclaim)

# A name from the server must not end the command on a terminal of plain ASCII.
for _stream in (sys.stdout, sys.stderr):
    _stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
