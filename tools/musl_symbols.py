"""What the extensions of a musl wheel expect from the process that loads them.

No machine of ours runs musl, so this looks instead of running: each function or variable that
an extension needs must be exported by CPython or by musl. The names of musl are those that
zig links against; it brings the list for every processor.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import ziglang
from elftools.elf.elffile import ELFFile

# How zig's list names processors and their families.
PROCESSORS = {
    "x86_64": ("ARCH_x86_64", "FAMILY_x86"),
    "aarch64": ("ARCH_aarch64", "FAMILY_aarch64"),
}


def _symbols(elf: ELFFile, defined: bool) -> Iterator[str]:
    """Dynamic symbols that a file defines, or that it needs and cannot do without."""
    table = elf.get_section_by_name(".dynsym")
    for symbol in table.iter_symbols() if table else ():
        is_defined = symbol["st_shndx"] != "SHN_UNDEF"
        is_weak = symbol["st_info"]["bind"] == "STB_WEAK"
        if symbol.name and is_defined == defined and (defined or not is_weak):
            yield symbol.name


@cache
def musl_names(processor: str) -> frozenset[str]:
    """What musl's libc.so exports on a processor."""
    listed = Path(ziglang.__file__).parent / "lib/libc/musl/libc.S"
    names = ["PTR64", *PROCESSORS[processor]]
    command = [sys.executable, "-m", "ziglang", "cc", "-E", *(f"-D{name}" for name in names)]
    text = subprocess.run([*command, listed], check=True, capture_output=True, text=True).stdout
    return frozenset(re.findall(r"^\.(?:globl|weak) (\S+)$", text, re.MULTILINE))


@cache
def python_names(python: str) -> frozenset[str]:
    """What an interpreter exports to extensions."""
    question = (
        "import os, sys, sysconfig; print(os.path.realpath(sys.executable)); print(os.path.join("
        "sysconfig.get_config_var('LIBDIR'), sysconfig.get_config_var('LDLIBRARY')))"
    )
    command = [python, "-c", question]
    asked = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: set[str] = set()
    for file in map(Path, asked.splitlines()):
        if file.suffix != ".a" and file.is_file():
            with file.open("rb") as opened:
                found.update(_symbols(ELFFile(opened), True))
    return frozenset(found)


def unknown_symbols(wheel: Path, python: str, processor: str) -> list[str]:
    """What neither CPython nor musl has of all that a wheel's extensions need.

    ``python`` is the interpreter that the wheel was built by. An extension that names a
    library stands in the list too: musl's C library is loaded already, and has another name
    on each processor.
    """
    known = musl_names(processor) | python_names(python)
    unknown: set[str] = set()
    with zipfile.ZipFile(wheel) as archive:
        extensions = [name for name in archive.namelist() if name.endswith(".so")]
        for name in extensions:
            elf = ELFFile(io.BytesIO(archive.read(name)))
            unknown.update(set(_symbols(elf, False)) - known)
            dynamic = elf.get_section_by_name(".dynamic")
            unknown.update(
                tag.needed for tag in dynamic.iter_tags() if tag.entry.d_tag == "DT_NEEDED"
            )
    return sorted(unknown) if extensions else ["no extension is in the wheel"]
