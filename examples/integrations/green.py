"""A script with patched threads: python green.py gevent|eventlet

It continues without a port, and its log says why.
"""

from __future__ import annotations

import importlib
import logging
import sys


def main() -> None:
    """Patch the threads, and try to open the port."""
    if sys.argv[1] == "gevent":
        importlib.import_module("gevent.monkey").patch_all()
    else:
        importlib.import_module("eventlet").monkey_patch()
    logging.basicConfig()
    from ops_service.integrations import start_worker

    assert start_worker("green script") is None
    print("goes on without a port")


if __name__ == "__main__":
    main()
