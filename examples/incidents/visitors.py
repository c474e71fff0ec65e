"""Visitors of a web application: python visitors.py ADDRESS"""

from __future__ import annotations

import http.client
import sys
import time


def main() -> None:
    """Request ten pages per second for five minutes."""
    for number in range(3000):
        connection = http.client.HTTPConnection(sys.argv[1], timeout=10)
        try:
            connection.request("GET", f"/page/{number}")
            connection.getresponse().read()
        except OSError:
            pass  # The server is starting or restarting.
        finally:
            connection.close()
        time.sleep(0.1)


if __name__ == "__main__":
    main()
