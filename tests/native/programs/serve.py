"""The host process of the walker's tests: runs what the test requests.

Requests and replies are marshalled values on stdin and stdout, each after its length.
The process imports little, so that its heap stays small and a capture of it is read
in a moment.
"""

from __future__ import annotations

import importlib
import marshal
import struct
import sys
import traceback
from typing import BinaryIO


def read(source: BinaryIO) -> object:
    head = source.read(8)
    if len(head) < 8:
        raise EOFError
    return marshal.loads(source.read(*struct.unpack("<Q", head)))


def write(output: BinaryIO, value: object) -> None:
    data = marshal.dumps(value)
    output.write(struct.pack("<Q", len(data)) + data)
    output.flush()


def serve(source: BinaryIO, output: BinaryIO) -> None:
    while True:
        try:
            module, function, arguments = read(source)  # type: ignore[misc]
        except EOFError:
            return
        try:
            target = getattr(importlib.import_module(f"{__package__}.{module}"), function)
            reply = (True, target(*arguments))
        except Exception:
            reply = (False, traceback.format_exc())
        write(output, reply)


def main() -> None:
    serve(sys.stdin.buffer, sys.stdout.buffer)
