"""The port's own copy of gRPC's native code.

gRPC keeps threads, locks and fork handlers that belong to the process. Sharing them
with the application harms both sides:

- Since 1.80 gRPC restarts its threads inside every forked child. A child that closes its
  descriptors then ends by SIGABRT (https://github.com/grpc/grpc/issues/43055). Disabling that
  with ``GRPC_ENABLE_FORK_SUPPORT=0`` breaks applications that use gRPC in their own children.
- Up to 1.78, all asyncio loops that use gRPC share one poller. It wakes the application's
  loop for events of the port and vice versa (https://github.com/grpc/grpc/issues/25364).

So the port loads the native module a second time, from a nameless copy of its file. The
dynamic linker treats the copy as another library. The copy registers no fork handlers:
its only reference to ``__register_atfork`` points to a function that does nothing. A
forked child then has no thread of the copy, and the parent's threads are not disturbed.
The application's gRPC behaves as if there were no port.

Cost: about 20 ms and 4 to 7 MiB resident, once per process (x86-64, grpcio 1.62 to 1.85).
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

# glibc has pthread_atfork in each library, and __register_atfork below it. musl has only
# pthread_atfork.
_REGISTRATIONS = ("__register_atfork", "pthread_atfork")

# It returns 0 and does nothing, in glibc and musl.
_NOTHING = "pthread_mutexattr_destroy"


class _Refused(Exception):
    """The reason why there is no copy, worded as the end of a sentence."""


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
            # The linker compares names before files, and other code may use a plain name.
            return _load_from(f"/proc/self/fd/./{copy}")
        except OSError as error:
            # No space, or a file system mounted without execute permission.
            problem = f"its copy cannot be loaded ({error})"
        finally:
            os.close(copy)
    raise _Refused(problem)


def _temporary_file() -> int:
    # First choice, since the kernel can write its pages out. It never has a name. The
    # module tempfile is avoided: it would fix its choice of a directory for the application.
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
                raise OSError("the file was truncated in the meantime")
            done += sent


def _load_from(path: str) -> ModuleType:
    # Loaded but not yet run: nothing has called the function that is replaced.
    library = ctypes.CDLL(path)
    _leave_forks_alone(os.stat(path))
    loader = importlib.machinery.ExtensionFileLoader(f"{_NAME}.cygrpc", path)
    spec = importlib.util.spec_from_file_location(loader.name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    # Disables the module's own registration with Python, which the environment may request.
    module._GRPC_ENABLE_FORK_SUPPORT = False  # type: ignore[attr-defined]
    # Its log lines go where gRPC's own lines go, and not to standard error.
    module._LOGGER = shared._LOGGER  # type: ignore[attr-defined]
    register(module)
    # Never unloaded, since threads run in it.
    module._library = library  # type: ignore[attr-defined]
    return module


def _leave_forks_alone(file: os.stat_result) -> None:
    """Prevent a library that was just loaded from registering fork handlers.

    The linker has stored the function's address in a table of the library. Only words
    with exactly this address are replaced.
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
        raise _Refused("gRPC's core is in a separate library, which the application shares")
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
    """Addresses of a word in a mapped file's data, and whether each is writable."""
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
"""The native module, and the reason why the application uses the same one. The reason is
empty if the module is the port's own."""

isolated = not problem
"""Whether the module is the port's own."""

BaseError: type[Exception] = cygrpc.BaseError
"""Exception that this module raises for a failed call."""

AbortError: type[Exception] = cygrpc.AbortError
"""Exception that a call's `abort` raises."""


def server_credentials(key: bytes, chain: bytes, authorities: bytes) -> grpc.ServerCredentials:
    """Credentials that require a client certificate; `grpc.ssl_server_credentials` for this module.

    Args:
        key: The server's private key, in PEM.
        chain: Its certificate and intermediates, in PEM.
        authorities: The authorities whose clients are accepted, in PEM.
    """
    pair = cygrpc.SslPemKeyCertPair(key, chain)
    return grpc.ServerCredentials(cygrpc.server_credentials_ssl(authorities, [pair], True))


def keep_for_ever(part: object) -> None:
    """Prevent an object from ever being freed. For a forked child.

    Freeing gRPC's objects there would wait for threads that the child does not have.
    """
    increment: Callable[[object], None] = ctypes.pythonapi.Py_IncRef
    ctypes.pythonapi.Py_IncRef.argtypes = (ctypes.py_object,)
    ctypes.pythonapi.Py_IncRef.restype = None
    increment(part)
