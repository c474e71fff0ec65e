"""Reads the pictures that Chromium takes."""

from __future__ import annotations

import struct
import zlib


def colours(png: bytes) -> list[tuple[int, int, int]]:
    """Colours of a small picture, row by row."""
    width, height = struct.unpack(">II", png[16:24])
    depth, kind = png[24:26]
    assert (depth, kind) in ((8, 2), (8, 6))
    step, data, position = 3 if kind == 2 else 4, b"", 8
    while position < len(png):
        length, name = struct.unpack(">I4s", png[position : position + 8])
        data += png[position + 8 : position + 8 + length] if name == b"IDAT" else b""
        position += length + 12
    raw, found = zlib.decompress(data), []
    above = bytearray(width * step)
    for row in range(height):
        start = row * (width * step + 1)
        line = bytearray(raw[start + 1 : start + 1 + width * step])
        for place in range(len(line)):
            left = line[place - step] if place >= step else 0
            corner = above[place - step] if place >= step else 0
            near = min(
                (left, above[place], corner), key=lambda e: abs(left + above[place] - corner - e)
            )
            guess = (0, left, above[place], (left + above[place]) // 2, near)[raw[start]]
            line[place] = (line[place] + guess) % 256
        found += [(line[p], line[p + 1], line[p + 2]) for p in range(0, len(line), step)]
        above = line
    return found
