"""The port's own copy of gRPC's native code.

gRPC keeps threads, locks and fork handlers that belong to the process. Shared with the
application they do harm in both directions:

- Since 1.80 gRPC restarts its threads inside every forked child. A child that closes its
  descriptors then ends by SIGABRT (grpc/grpc#43055). Telling gRPC not to, by
  ``GRPC_ENABLE_FORK_SUPPORT=0``, breaks applications that use gRPC in their own children.
- Up to 1.78 all asyncio loops that use gRPC share one poller, which wakes the loop of the
  application for events of the port and the other way round (grpc/grpc#25364).

So the port loads the native module a second time, from a nameless copy of its file, which
the dynamic linker takes for another library. This copy registers no fork handlers: its
one reference to ``__register_atfork`` leads to a function that does nothing. A forked
child then has no thread of it, and the parent's goes on undisturbed. The application's
gRPC is as it would be without the port.

Cost: about 20 ms and 4 to 7 MiB resident, once a process (x86-64, grpcio 1.62 to 1.85).
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import importlib.util
import mmap
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import grpc  # The native module imports it, and finds it under its own name.
from grpc._cython import cygrpc as shared

from ops_service.heap.own import register

_NAME = "ops_service_grpc"

# glibc has pthread_atfork in each library, and this below it; musl has the first alone.
_REGISTRATIONS = ("__register_atfork", "pthread_atfork")

# It returns 0 and does nothing, in glibc and musl.
_NOTHING = "pthread_mutexattr_destroy"


class _Refused(Exception):
    """Why there is no copy, as the end of a sentence."""


def _load() -> ModuleType:
    origin = shared.__spec__.origin if shared.__spec__ is not None else None
    if not origin:
        raise _Refused("gRPC's native module has no file")
    problem = "there is no memory file on this system"
    for make in (_temporary_file, _memory_file):
        try:
            copy = make()
        except (OSError, AttributeError):
            continue
        try:
            _copy_to(copy, origin)
            # The linker compares names before files, and a plain one may be used by others.
            return _load_from(f"/proc/self/fd/./{copy}")
        except OSError as error:
            # No room, or a file system from which nothing may be executed.
            problem = f"its copy cannot be loaded ({error})"
        finally:
            os.close(copy)
    raise _Refused(problem)


def _temporary_file() -> int:
    # First choice, since the kernel can write its pages out. It never has a name. Not by
    # the module tempfile, which would keep its choice of a directory for the application.
    directory = os.environ.get("TMPDIR") or "/tmp"
    return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o700)


def _memory_file() -> int:
    return os.memfd_create(_NAME, os.MFD_CLOEXEC)


def _copy_to(copy: int, origin: str) -> None:
    with open(origin, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        done = 0
        while done < size:
            sent = os.sendfile(copy, file.fileno(), done, size - done)
            if sent == 0:
                raise OSError("the file was cut meanwhile")
            done += sent


def _load_from(path: str) -> ModuleType:
    # Loaded, and not yet run: nothing has called the function that is replaced.
    library = ctypes.CDLL(path)
    _leave_forks_alone(os.stat(path))
    loader = importlib.machinery.ExtensionFileLoader(f"{_NAME}.cygrpc", path)
    spec = importlib.util.spec_from_file_location(loader.name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    # What it registers with Python itself, where the environment asks for that.
    module._GRPC_ENABLE_FORK_SUPPORT = False  # type: ignore[attr-defined]
    # What it logs goes where gRPC's own lines go, and not to the standard error.
    module._LOGGER = shared._LOGGER  # type: ignore[attr-defined]
    register(module)
    # Never unloaded: threads run in it.
    module._library = library  # type: ignore[attr-defined]
    return module


def _leave_forks_alone(file: os.stat_result) -> None:
    """Let a library that was just loaded register no fork handlers.

    The linker has filled in the address of the function in a table of the library. Only a
    word that holds exactly this address is replaced.
    """
    process = ctypes.CDLL(None)
    nothing = _address(process, _NOTHING)
    slots = [
        (slot, writable)
        for name in _REGISTRATIONS
        if hasattr(process, name)
        for slot, writable in _find_word(file, _address(process, name))
    ]
    if not slots:
        raise _Refused("gRPC's core is in a library of its own, which the application shares")
    for slot, writable in slots:
        if not writable:
            _protect(process, slot, mmap.PROT_READ | mmap.PROT_WRITE)
        ctypes.c_void_p.from_address(slot).value = nothing
        if not writable:
            _protect(process, slot, mmap.PROT_READ)


def _address(library: ctypes.CDLL, name: str) -> int:
    address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    assert address is not None
    return address


def _find_word(file: os.stat_result, word: int) -> Iterator[tuple[int, bool]]:
    """Where in the data of a mapped file a word stands, and whether it can be written to."""
    size = ctypes.sizeof(ctypes.c_void_p)
    pattern = word.to_bytes(size, "little")
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            span, access, _, device, inode, *_ = line.split()
            major, minor = (int(part, 16) for part in device.split(":"))
            if int(inode) != file.st_ino or os.makedev(major, minor) != file.st_dev:
                continue
            if "x" in access or "r" not in access:
                continue
            begin, end = (int(each, 16) for each in span.split("-"))
            data = ctypes.string_at(begin, end - begin)
            at = data.find(pattern)
            while at >= 0:
                if at % size == 0:
                    yield begin + at, "w" in access
                at = data.find(pattern, at + 1)


def _protect(process: ctypes.CDLL, address: int, access: int) -> None:
    page = address - address % mmap.PAGESIZE
    process.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    if process.mprotect(page, mmap.PAGESIZE, access) != 0:
        raise _Refused("its data cannot be written to")


def _native() -> tuple[Any, str]:
    try:
        return _load(), ""
    except _Refused as refusal:
        return shared, str(refusal)
    except Exception as error:
        return shared, f"it cannot be loaded a second time ({type(error).__name__}: {error})"


cygrpc, problem = _native()
"""The native module, and why it is the one that the application uses too. Empty if it is
the port's own."""

isolated = not problem
"""Whether the module is the port's own."""

BaseError: type[Exception] = cygrpc.BaseError
"""What this module raises for a call that failed."""

AbortError: type[Exception] = cygrpc.AbortError
"""What `abort` of a call raises."""


def server_credentials(key: bytes, chain: bytes, authorities: bytes) -> grpc.ServerCredentials:
    """Credentials that demand a client certificate; `grpc.ssl_server_credentials` for this module.

    Args:
        key: The server's private key, in PEM.
        chain: Its certificate and what leads to its authority, in PEM.
        authorities: Whose clients are accepted, in PEM.
    """
    pair = cygrpc.SslPemKeyCertPair(key, chain)
    return grpc.ServerCredentials(cygrpc.server_credentials_ssl(authorities, [pair], True))


def keep_for_ever(part: object) -> None:
    """Let an object never be freed. For a forked child.

    gRPC's objects would wait in it for threads that the child does not have.
    """
    increment: Callable[[object], None] = ctypes.pythonapi.Py_IncRef
    ctypes.pythonapi.Py_IncRef.argtypes = (ctypes.py_object,)
    ctypes.pythonapi.Py_IncRef.restype = None
    increment(part)
