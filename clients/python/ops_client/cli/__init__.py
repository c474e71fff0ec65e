"""The command line, opsctl: `commands` has them, one a file; here is what they share."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run opsctl, and end the process with one of its exit codes."""
    # gRPC would print lines of its own beside the one sentence that we print.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # NumPy's linear algebra, which nothing here uses, would start a thread a core.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from ops_client.cli.app import app

        # Loads the command as well.
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"opsctl: the package {error.name} is missing. Install opsctl's packages with "
            "`pip install 'ops-service[cli]'`.\n"
        )
        sys.exit(3)
