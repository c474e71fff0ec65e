"""Run a script with a maintenance port: ``python -m ops_service run app.py [ARGUMENTS]``.

``-m MODULE`` in place of the script runs a module. The port is open while it runs.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

_USAGE = "usage: python -m ops_service run (SCRIPT | -m MODULE) [ARGUMENTS]\n"


def main() -> None:
    """Open the port, then run the script in this process."""
    arguments = sys.argv[1:]
    if arguments[:1] != ["run"] or len(arguments) < 2 or arguments[1:] == ["-m"]:
        sys.stderr.write(_USAGE)
        sys.exit(2)
    from ops_service.integrations import start_worker

    start_worker("script")
    if arguments[1] == "-m":
        # As Python itself sets them for a module.
        sys.argv = [arguments[2], *arguments[3:]]
        sys.path.insert(0, "")
        runpy.run_module(arguments[2], run_name="__main__", alter_sys=True)
        return
    script = arguments[1]
    sys.argv = arguments[1:]
    sys.path.insert(0, str(Path(script).resolve().parent))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
