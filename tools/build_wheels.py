"""Build wheels for every CPython, processor and C library, with one compiler: zig's.

Usage: build_wheels.py OUT SOURCE PYTHON... [PLATFORM...]

SOURCE is an unpacked source distribution, each PYTHON an interpreter with setuptools. Without
a PLATFORM, such as ``manylinux_2_17_x86_64``, it builds for all that it knows.
zig brings the headers of every C library, and links against the oldest glibc that the tag
of a wheel allows. auditwheel judges each wheel, and for musl each symbol is looked up. What an
extension is named and which ``pyconfig.h`` it sees are the target's, not this machine's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from musl_symbols import unknown_symbols

EXTENSIONS = 2

# What pyconfig.h says otherwise for a processor than for x86_64. Nothing in it depends on
# the C library as far as our extensions see.
PYCONFIG = {
    "x86_64": "",
    "aarch64": "#undef HAVE_GCC_ASM_FOR_X64\n#undef HAVE_GCC_ASM_FOR_X87\n"
    "#undef HAVE_USABLE_WCHAR_T\n",
}


@dataclass(frozen=True)
class Target:
    """A processor and a C library."""

    processor: str
    library: str
    """As in the names of extensions: ``gnu`` or ``musl``."""
    tag: str
    """The platform of the wheel, without the processor."""

    @property
    def zig(self) -> str:
        """The target as zig names it, with the version of glibc."""
        version = "." + self.tag.removeprefix("manylinux_").replace("_", ".")
        return f"{self.processor}-linux-{self.library}{version if self.library == 'gnu' else ''}"

    @property
    def platform(self) -> str:
        """The platform tag of the wheel."""
        return f"{self.tag}_{self.processor}"


TARGETS = [
    Target(processor, library, tag)
    for library, tag in (("gnu", "manylinux_2_17"), ("musl", "musllinux_1_2"))
    for processor in PYCONFIG
]


def ask(python: str, question: str) -> str:
    """What an interpreter prints."""
    command = [python, "-c", f"import sys, sysconfig; print({question})"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def minor_of(python: str) -> str:
    """The release of an interpreter as tags have it, such as ``313``."""
    return ask(python, "'%d%d' % sys.version_info[:2]")


def extension_suffix(python: str, target: Target) -> str:
    """How the file names of extensions end, by which the target's CPython finds them."""
    system = f"{target.processor}-linux-{target.library}"
    return f".cpython-{minor_of(python)}-{system}.so"


def environment(python: str, target: Target, include: Path) -> dict[str, str]:
    """The variables that make setuptools build for a target."""
    compiler = f"{sys.executable} -m ziglang cc -target {target.zig}"
    return {
        **os.environ,
        "CC": f"{compiler} -I{include}",
        # The musl of zig has another file name than that of distributions. An extension needs
        # to name none: it finds the functions in the process that loads it.
        "LDSHARED": f"{compiler} -shared" + (" -nostdlib" if target.library == "musl" else ""),
        # setuptools appends the interpreter's own flags, which name its machine.
        "CFLAGS": f"-g0 {os.environ.get('CFLAGS', '')}",
        "LDFLAGS": "-s",
        "SETUPTOOLS_EXT_SUFFIX": extension_suffix(python, target),
        "_PYTHON_HOST_PLATFORM": f"linux-{target.processor}",
    }


def write_pyconfig(python: str, target: Target, include: Path) -> None:
    """Put the target's ``pyconfig.h`` before the interpreter's own."""
    include.mkdir(parents=True, exist_ok=True)
    own = ask(python, "sysconfig.get_config_h_filename()")
    text = f'#include "{own}"\n{PYCONFIG[target.processor]}'
    (include / "pyconfig.h").write_text(text)


def build(python: str, target: Target, source: Path, out: Path) -> Path:
    """Build one wheel, and return it."""
    work = source.parent / f"cp{minor_of(python)}-{target.platform}"
    shutil.rmtree(work, ignore_errors=True)
    # setuptools writes into the source, and several wheels are built at a time.
    shutil.copytree(source, work / "source")
    write_pyconfig(python, target, work / "include")
    subprocess.run(
        [
            *(python, "setup.py", "-q", "build", f"--build-base={work / 'build'}"),
            *("bdist_wheel", f"--bdist-dir={work / 'wheel'}", f"--dist-dir={work / 'dist'}"),
            f"--plat-name={target.platform}",
        ],
        cwd=work / "source",
        env=environment(python, target, work / "include"),
        check=True,
    )
    (wheel,) = (work / "dist").iterdir()
    return Path(shutil.move(wheel, out / wheel.name))


def judge(wheel: Path, target: Target, python: str) -> str:
    """What was found of a wheel; ends the program if that is not what its name says."""
    # setup.py lets a wheel be built without extensions that do not compile.
    with zipfile.ZipFile(wheel) as archive:
        suffix = extension_suffix(python, target)
        extensions = [name for name in archive.namelist() if name.endswith(suffix)]
    if len(extensions) != EXTENSIONS:
        sys.exit(f"{wheel.name}: it has {len(extensions)} extensions, not {EXTENSIONS}")
    command = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
    shown = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r'platform\s+tag:\s+"([^"]+)"', shown.stdout)
    if found is None or found[1] != target.platform:
        sys.exit(f"{wheel.name}: auditwheel says\n{shown.stdout}{shown.stderr}")
    if target.library != "musl":
        return f"auditwheel: {found[1]}"
    unknown = unknown_symbols(wheel, python, target.processor)
    if unknown:
        sys.exit(f"{wheel.name}: neither CPython nor musl has {', '.join(unknown)}")
    return f"auditwheel: {found[1]}; CPython or musl has every symbol"


def main() -> None:
    """Build all wheels, and print the size of each."""
    out, source, *rest = sys.argv[1:]
    known = {target.platform: target for target in TARGETS}
    targets = [known[each] for each in rest if each in known] or TARGETS
    Path(out).mkdir(parents=True, exist_ok=True)
    pythons = [str(Path(each).absolute()) for each in rest if each not in known]

    def make(python: str, target: Target) -> str:
        wheel = build(python, target, Path(source).resolve(), Path(out).resolve())
        size = wheel.stat().st_size >> 10
        return f"{size:5} KiB  {wheel.name}  {judge(wheel, target, python)}"

    with ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count() or 1)) as pool:
        for made in pool.map(make, *zip(*product(pythons, targets), strict=True)):
            print(made, flush=True)


if __name__ == "__main__":
    main()
