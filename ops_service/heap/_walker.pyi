"""Types of the C extension. Its source is in the folder of the same name."""

from typing import Any

COMPILED_FOR: str

class Child:
    """A child process that walks, or has ended."""

    @property
    def pid(self) -> int: ...
    @property
    def pidfd(self) -> int: ...
    @property
    def pause(self) -> float: ...
    def report(self) -> dict[str, Any]: ...
    def kill(self) -> None: ...
    def wait(self, block: bool, /) -> tuple[int, float] | None: ...
    def close(self) -> None: ...
    def spend(self, seconds: float, /) -> None: ...

class PathTable:
    """Paths that the children of growth samples have met."""

    @property
    def broken(self) -> bool: ...
    @property
    def samples(self) -> int: ...

def path_table() -> PathTable: ...
def start(
    output: int,
    census: bool,
    lifetime_limit: float,
    memory_limit: int,
    copied_limit: int,
    max_objects: int,
    memory_bounds: tuple[tuple[str, str, str, int], ...],
    cpu_rate: float,
    roots: tuple[tuple[object, str], ...],
    own: tuple[object, ...],
    threads: tuple[tuple[int, str, bool], ...],
    site: tuple[object, str, int] | None,
    content: tuple[int, int, bool],
    proof: tuple[object, ...] | None,
    paths: PathTable | None = None,
    referrers: tuple[int, str, float] | None = None,
) -> Child: ...
def learn_arrays(kind: type, samples: tuple[tuple[object, int, int], ...]) -> bool: ...
def arena_statistics() -> bytes: ...
def find_object(object_id: int, type_name: str, seconds: float, /) -> tuple[int, Any]: ...
