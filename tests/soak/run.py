"""Uses and abuses the port of one host for as long as it is told.

Usage: python run.py [--minutes N] [--seed N]

At the same time, captures, watches, evaluations and probes run, captures are cancelled,
children and clients are killed, code does not end, and the host forks. At the end it
prints the work done, the faults injected, and the losses: wrong answers, unexplained
errors, audit records that callers received but the log does not contain, and remaining
descriptors, children, threads and temporary files.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fix_certs import uri
from fix_host import ADMIN, Host
from under_load import files_of, hosts, left_over, resident_bytes, settled

from ops_client.audit_log import verify_audit_log
from ops_client.errors import AuditLogBroken
from soak.actors import FAULTS, Actors, Book

BALLAST = "ballast = [[i, str(i)] for i in range(100_000)]"


def act(actors: Actors, seconds: float, seed: int) -> list[str]:
    """Let all callers work at the same time until the time is over. Return the works' names."""
    end = time.monotonic() + seconds
    works = [
        actors.captures,
        actors.cancelled_captures,
        actors.watches,
        actors.evaluations,
        actors.evaluations_without_end,
        actors.probes,
        actors.killed_children,
        actors.forks_of_the_host,
        actors.killed_clients,
    ]
    threads = [
        threading.Thread(target=actors.repeat, args=(work, seed + number, end), daemon=True)
        for number, work in enumerate(works)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(seconds + 180)
        if each.is_alive():
            actors.book.lost.append("a caller hangs")
    return [work.__name__.replace("_", " ") for work in works]


def check_records(host: Host, book: Book) -> None:
    """Every record that a caller received is in the log, and the log's chain holds."""
    host.run("service.stop()")
    try:
        count = verify_audit_log([host.audit_file]).record_count
    except AuditLogBroken as error:
        book.lost.append(str(error))
        return
    lines = host.audit_file.read_bytes().splitlines()
    there = {hashlib.sha256(line).hexdigest() for line in lines}
    missing = set(book.heads) - there
    if missing:
        book.lost.append(f"{len(missing)} records of which callers were told are not in the log")
    print(
        f"audit log: {count:,} records in one chain, {len(book.heads):,} of which callers were told"
    )


def check_work(book: Book, works: list[str]) -> None:
    """No planned work or fault was left out."""
    for kind, counts, names in (
        ("work", book.done, works),
        ("fault", book.faults, list(FAULTS)),
    ):
        book.lost += [f"no {kind} of the kind: {name}" for name in names if not counts[name]]


def say(title: str, counts: dict[str, int]) -> None:
    print(title)
    for name, count in sorted(counts.items()):
        print(f"  {name:28} {count:>7,}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    book = Book()
    with hosts() as (start, authority, directory):
        control = start(serve=False)
        host = start(
            environment={"GRPC_VERBOSITY": "NONE"},
            store={"directory": str(directory / "store"), "max_bytes": 64 << 20},
            watch={"interval_seconds": 5.0},
            limits={"calls_per_principal": 16, "streams_per_principal": 12},
        )
        for each in (host, control):
            each.run(BALLAST)
        before, resident = settled(host), resident_bytes(host.pid)
        host.largest_gap(), host.gap_percentile(), control.gap_percentile()
        files = directory / "files"
        files.mkdir()
        admin = authority.issue("admin", uri(ADMIN))
        there = files_of(host)
        actors = Actors(host, admin, files, book)
        check_work(book, act(actors, arguments.minutes * 60, arguments.seed))
        left = left_over(host, before)
        for count, name in zip(left, ("descriptors", "children", "threads"), strict=True):
            if count:
                book.lost.append(f"{count} {name} are left over")
        book.lost += [f"{each.name} is left over" for each in files.iterdir()]
        # Snapshots stored on purpose stay, and so does the background watch's history.
        new = [Path(each).name for each in files_of(host) - there]
        book.lost += [
            f"the host's file {name} is left over"
            for name in new
            if not name.endswith(".heap") and not name.startswith("history")
        ]
        if "Traceback" in host.output_file.read_text():
            book.lost.append(host.output_file.read_text()[:2000])
        host.assert_alive()
        say(f"done in {arguments.minutes:g} minutes:", book.done)
        say("faults injected:", book.faults)
        say("refused or cut off, and told so:", book.refused)
        print(
            f"heartbeat: 99 % below {host.gap_percentile() * 1e3:.1f} ms, "
            f"{control.gap_percentile() * 1e3:.1f} ms without a port; "
            f"largest gap {host.largest_gap() * 1e3:.0f} ms"
        )
        grown = (resident_bytes(host.pid) - resident) / 2**20
        print(f"RSS {grown:+.0f} MiB; slowest probe {book.slowest_probe * 1e3:.0f} ms")
        check_records(host, book)
    print("lost: nothing" if not book.lost else "LOST:")
    for text in book.lost:
        print(f"  {text}")
    return int(bool(book.lost))


if __name__ == "__main__":
    sys.exit(main())
