"""What serves malloc, in real processes with real libraries, and what its books are worth."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops_service.process import libc, malloc_provider
from ops_service.process.libc import Unavailable, malloc_bytes, malloc_trim

ROOT = Path(__file__).resolve().parents[2]
ASK = """
from ops_service.process.libc import Unavailable, malloc_bytes, malloc_trim
try:
    in_use, free = malloc_bytes()
    assert in_use > 100_000, in_use
    malloc_trim()
    print("libc")
except Unavailable as error:
    print(error)
"""

glibc = pytest.mark.skipif(
    not libc._glibc_version().startswith("glibc"), reason="the C library is not glibc"
)


def answer(preloaded: Path | None = None) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    if preloaded is not None:
        environment["LD_PRELOAD"] = str(preloaded)
    run = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def library(directory: Path, name: str, source: str) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler, to make a library that serves malloc")
    file = directory / name
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-x", "c", "-o", file, "-"],
        input=f"#include <stddef.h>\n{source}\n",
        capture_output=True,
        text=True,
    )
    if built.returncode != 0:
        pytest.skip(f"the library was not built: {built.stderr}")
    return file


MALLOC = """
extern void *__libc_malloc(size_t);
void *malloc(size_t size) { return __libc_malloc(size); }
"""


@glibc
def test_the_c_library_is_known_whatever_the_program_looks_like() -> None:
    # In a program that is not position independent, such as Debian's, it was not.
    assert answer() == "libc"
    provider = malloc_provider.malloc_provider()
    assert provider is not None
    assert provider.is_libc, provider


@glibc
@pytest.mark.parametrize(
    ("allocator", "function"),
    [
        ("jemalloc", "int mallctl(void) { return 0; }"),
        ("tcmalloc", "const char *tc_version(void) { return 0; }"),
        ("mimalloc", "int mi_version(void) { return 0; }"),
    ],
)
def test_another_allocator_is_named(tmp_path: Path, allocator: str, function: str) -> None:
    file = library(tmp_path, "libmemory.so.2", MALLOC + function)
    assert answer(file) == (
        f"malloc is served by {allocator} (libmemory.so.2), not by the C library."
    )


@glibc
def test_a_library_that_nobody_knows_is_named_by_its_file(tmp_path: Path) -> None:
    file = library(tmp_path, "libmemory.so", MALLOC)
    assert answer(file) == "malloc is served by libmemory.so, not by the C library."


@glibc
def test_an_allocator_beside_malloc_makes_no_difference(tmp_path: Path) -> None:
    file = library(tmp_path, "libmemory.so", "int mi_version(void) { return 0; }")
    assert answer(file) == "libc"


@glibc
def test_books_that_do_not_count_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libc, "_counted", lambda libc: (1 << 20, 1 << 20))
    libc._counts_what_is_allocated.cache_clear()
    try:
        with pytest.raises(Unavailable, match="do not count what is allocated"):
            malloc_bytes()
    finally:
        monkeypatch.undo()
        libc._counts_what_is_allocated.cache_clear()
    assert malloc_bytes()[0] > 100_000


@glibc
def test_a_static_program_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: object) -> None:
        raise OSError("dynamic loading not supported")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    for cached in (malloc_provider.malloc_provider, malloc_provider.loaded_process):
        cached.cache_clear()
    try:
        for read in (malloc_bytes, malloc_trim):
            with pytest.raises(Unavailable, match="linked statically"):
                read()
    finally:
        monkeypatch.undo()
        for cached in (malloc_provider.malloc_provider, malloc_provider.loaded_process):
            cached.cache_clear()
