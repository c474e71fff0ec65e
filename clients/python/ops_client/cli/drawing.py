"""Write a graph to a file: as Graphviz source, or drawn as SVG."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import typer

from ops_client._part_file import PartFile
from ops_client.errors import GraphNotDrawn

_SOURCE_SUFFIXES = (".dot", ".gv")
_SECONDS = 60.0


def check_name(path: Path) -> None:
    """Reject a file name with an unknown ending, before any call is made.

    Raises:
        GraphNotDrawn: The name asks for SVG, and Graphviz is not installed.
    """
    if path.suffix not in (".svg", *_SOURCE_SUFFIXES):
        raise typer.BadParameter(
            f"a graph is written as .svg or as .dot; {path.name} ends in neither."
        )
    if path.suffix == ".svg" and shutil.which("dot") is None:
        raise GraphNotDrawn(
            "Graphviz's command `dot`, which draws the graph, is not installed. Install the "
            f"package graphviz, or write the graph's source: -o {path.with_suffix('.dot').name}."
        )


def write_graph(source: str, path: Path) -> None:
    """Write a graph: its source if the name ends in .dot or .gv, else drawn as SVG.

    Raises:
        GraphNotDrawn: Graphviz did not draw it.
        FileNotWritten: The disk is full, or the place is not writable.
    """
    data = source.encode()
    if path.suffix not in _SOURCE_SUFFIXES:
        data = _drawn(data)
    with PartFile(path) as file:
        file.write(data)
        file.commit()


def _drawn(source: bytes) -> bytes:
    try:
        done = subprocess.run(
            ["dot", "-Tsvg"], input=source, capture_output=True, timeout=_SECONDS, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise GraphNotDrawn(
            f"Graphviz did not draw the graph within {_SECONDS:g} s. Reduce --limit, or "
            "write the graph's source as .dot."
        ) from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise GraphNotDrawn(
            "Graphviz's command `dot` failed. Write the graph's source as .dot, and view it "
            "with another tool."
        ) from error
    return done.stdout
