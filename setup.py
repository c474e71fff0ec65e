"""Builds what is native; everything else stands in pyproject.toml."""

from pathlib import Path

from setuptools import Extension, setup

WALKER = Path("ops_service/heap/_walker")
GRAPHS = Path("clients/python/ops_client/heap_graph/_native")
# Headers of CPython leave parameters unused. What the files of a module call of each other
# is called without a detour.
FLAGS = ["-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-parameter"]

setup(
    ext_modules=[
        Extension(
            "ops_service.heap._walker",
            sources=sorted(map(str, WALKER.glob("*.c"))),
            depends=sorted(map(str, WALKER.glob("*.h"))),
            # Headers of release builds keep asserts on without it.
            define_macros=[("NDEBUG", "1")],
            extra_compile_args=FLAGS,
            # Without a compiler the package installs all the same, and the port
            # says why it cannot capture.
            optional=True,
        ),
        Extension(
            "ops_client.heap_graph._native",
            sources=sorted(map(str, GRAPHS.glob("*.c"))),
            depends=sorted(map(str, GRAPHS.glob("*.h"))),
            extra_compile_args=FLAGS,
            # Without a compiler the client has the same in Python, only slower.
            optional=True,
        ),
    ]
)
