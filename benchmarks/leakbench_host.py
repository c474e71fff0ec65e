"""The process of one leak scenario with the service.

Usage: OPS_SERVICE_CONFIG=FILE python leakbench_host.py FOLDER NAME PACKAGES

Prints the port's address as a JSON line after the first steps. Then it continues at a
steady pace until its standard input ends.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time

UNOBSERVED_STEPS = 1000
STEPS_A_SECOND = 400
_LATE_SECONDS = 0.25


def main() -> None:
    """Run the scenario."""
    folder, name, packages = sys.argv[1:4]
    sys.path[:0] = [path for path in (packages, folder) if path]
    scenario = importlib.import_module(name)
    scenario.setup()
    for number in range(UNOBSERVED_STEPS):
        scenario.step(number)

    import ops_service

    service = ops_service.start()
    print(json.dumps({"address": service.address}), flush=True)
    threading.Thread(target=end_with_input, name="end", daemon=True).start()
    number, due = UNOBSERVED_STEPS, time.monotonic()
    while True:
        scenario.step(number)
        number += 1
        due += 1 / STEPS_A_SECOND
        ahead = due - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        elif ahead < -_LATE_SECONDS:
            # Lost steps are not made up, so that the pace stays steady.
            due = time.monotonic()


def end_with_input() -> None:
    """End the process when standard input ends, whatever the scenario left running."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
