"""Generate ops_client/_sync from ops_client/_async.

Writes into the repository, or below the given directory. The same input gives
the same bytes: a test compares them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = Path("clients/python/ops_client")
NOTE = "# Generated from {source} by tools/generate_sync_client.py. Do not edit.\n"

SUBSTITUTIONS = [
    (r"import grpc\.aio\n", ""),
    (r"\bgrpc\.aio\.", "grpc."),
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (
        r"\bAsync(Calls|EvaluationMethods|HistoryMethods|LiveMethods|MaintenanceClient|ReplSession|StoreMethods)\b",
        r"\1",
    ),
    (r"\bAsyncGenerator\[(\w+), None\]", r"Generator[\1, None, None]"),
    (r"\bAsyncGenerator\b", "Generator"),
    (r"\b_async\b", "_sync"),
    (r"\baclosing\b", "closing"),
    (r"\bopen_async_channel\b", "open_sync_channel"),
    (r"\brun_async\b", "run_sync"),
    (r"\bAsyncDuplex\b", "SyncDuplex"),
    (r"\bsleep_async\b", "sleep_sync"),
    (r"The asynchronous client, which the synchronous one is generated from", "The client"),
    (r"(The|the) asynchronous client", r"\1 synchronous client"),
    (r", which belongs to the event loop of the first call", ""),
]


def generate(out: Path) -> None:
    """Write the synchronous client below ``out``."""
    target = out / CLIENT / "_sync"
    target.mkdir(parents=True, exist_ok=True)
    for stale in target.glob("*.py"):
        stale.unlink()
    for source in sorted((ROOT / CLIENT / "_async").glob("*.py")):
        text = source.read_text()
        for pattern, replacement in SUBSTITUTIONS:
            text = re.sub(pattern, replacement, text)
        if left := re.search(r"async|await|aio", text):
            raise SystemExit(f"{source}: {left[0]} is left: add a substitution")
        note = NOTE.format(source=f"_async/{source.name}")
        (target / source.name).write_text(note + text)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
