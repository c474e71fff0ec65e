"""A script without code for the port: python -m ops_service run script.py SECONDS"""

from __future__ import annotations

import sys
import time


def main() -> None:
    """Work for a while."""
    time.sleep(float(sys.argv[1]))


if __name__ == "__main__":
    main()
