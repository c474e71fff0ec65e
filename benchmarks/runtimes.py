"""Measure what a heap snapshot costs hosts of other runtimes: Node.js and the JVM.

Usage: python runtimes.py [--short] [--objects N ...]

Each creates the same kind of records as host.py and takes a snapshot with its built-in
means. A runtime that is not installed is reported and skipped.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

RUNTIMES = Path(__file__).resolve().parent / "runtimes"

# Objects per record, as each runtime counts them in its own snapshot.
NODE_OBJECTS_A_RECORD = 8
JVM_OBJECTS_A_RECORD = 9


def run(name: str, count: int, objects: int, gap: float, seconds: float, size: int) -> None:
    """Print one line of the table."""
    print(
        f"  {name:28} {objects:>11,} objects  largest gap {gap * 1e3:9,.1f} ms  "
        f"{seconds:6.2f} s  {size / objects:5.1f} bytes an object  "
        f"{objects / seconds / 1e6:5.2f} M objects/s"
    )


def node(directory: Path, count: int) -> None:
    """Measure v8.writeHeapSnapshot, which runs on the application's thread."""
    file = directory / "node.heapsnapshot"
    records = count // NODE_OBJECTS_A_RECORD
    with subprocess.Popen(
        ["node", "--max-old-space-size=16000", RUNTIMES / "records.js", str(records), file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
        line = process.stdout.readline()
        process.kill()
    if not line:
        print(f"  Node.js ended before its snapshot of {count:,} objects was whole")
        return
    answer = json.loads(line)
    with file.open("rb") as opened:
        found = re.search(rb'"node_count":(\d+)', opened.read(4096))
    assert found
    run(
        "Node.js writeHeapSnapshot",
        count,
        int(found[1]),
        answer["gap"],
        answer["seconds"],
        file.stat().st_size,
    )
    file.unlink()


def jvm(directory: Path, count: int) -> None:
    """Measure jcmd GC.heap_dump, which collects first and stops every thread meanwhile."""
    file = directory / "jvm.hprof"
    subprocess.run(["javac", "-d", directory, RUNTIMES / "Records.java"], check=True)
    with subprocess.Popen(
        ["java", "-cp", directory, "Records", str(count // JVM_OBJECTS_A_RECORD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, answers = process.stdin, process.stdout

        def ask() -> float:
            asked.write("\n")
            asked.flush()
            return float(answers.readline())

        answers.readline()
        pid = str(process.pid)
        ask()
        began = time.perf_counter()
        subprocess.run(["jcmd", pid, "GC.heap_dump", file], check=True, stdout=subprocess.DEVNULL)
        seconds, gap = time.perf_counter() - began, ask()
        histogram = subprocess.run(
            ["jcmd", pid, "GC.class_histogram"], check=True, capture_output=True, text=True
        ).stdout
        process.kill()
    total = histogram.strip().splitlines()[-1].split()
    run("JVM GC.heap_dump", count, int(total[1]), gap, seconds, file.stat().st_size)
    file.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, nargs="+", default=[1_000_000, 4_000_000])
    parser.add_argument("--short", action="store_true", help="small heaps")
    arguments = parser.parse_args()
    counts = [100_000] if arguments.short else arguments.objects
    for name, programs, measure in (("Node.js", ["node"], node), ("JVM", ["javac", "jcmd"], jvm)):
        missing = [each for each in programs if shutil.which(each) is None]
        if missing:
            print(f"{name} is left out: no {', '.join(missing)} here")
            continue
        version = subprocess.run(
            [programs[0], "--version"], check=True, capture_output=True, text=True
        )
        print(f"{name}: {version.stdout.strip()}")
        for count in counts:
            with tempfile.TemporaryDirectory() as directory:
                measure(Path(directory), count)


if __name__ == "__main__":
    main()
