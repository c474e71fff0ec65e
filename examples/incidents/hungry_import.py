"""An import that keeps every row until the kernel kills it."""

from __future__ import annotations

import time


class Row:
    """One line of the file."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.cells = [f"{number}-{column}" for column in range(8)]


rows: list[Row] = []


def main() -> None:
    """Read for a while, as if the file had no end."""
    for number in range(400_000):
        rows.append(Row(number))
        if number % 1000 == 0:
            time.sleep(0.2)
    time.sleep(600)


if __name__ == "__main__":
    main()
