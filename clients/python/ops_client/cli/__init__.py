"""The command line, opsctl. `commands` has one command per file; the rest is shared."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run opsctl, and exit with one of its exit codes."""
    # gRPC would print its own lines beside our one sentence.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # NumPy's linear algebra, which opsctl does not use, would start one thread per core.
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
