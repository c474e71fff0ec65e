"""Processes of multiprocessing, each with its own port: python pool.py fork SECONDS

The first argument is the start method: fork, spawn or forkserver.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from typing import Any

import ops_service


def work(seconds: float) -> None:
    """Open a port in this process, and wait."""
    with ops_service.start(role="pool process"):
        time.sleep(seconds)


def main() -> None:
    """Start two processes, and wait for them."""
    context: Any = multiprocessing.get_context(sys.argv[1])
    processes = [context.Process(target=work, args=(float(sys.argv[2]),)) for _ in range(2)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()


if __name__ == "__main__":
    main()
