"""Processes of multiprocessing, each with a port of its own: python pool.py fork SECONDS

The second argument is the method by which they are started: fork, spawn or forkserver.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from typing import Any

import ops_service


def work(seconds: float) -> None:
    """What each process does."""
    with ops_service.start(role="pool process"):
        time.sleep(seconds)


def main() -> None:
    """Start two of them, and wait."""
    context: Any = multiprocessing.get_context(sys.argv[1])
    processes = [context.Process(target=work, args=(float(sys.argv[2]),)) for _ in range(2)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()


if __name__ == "__main__":
    main()
