"""Types of the C extension, whose source is in `_walker/`."""

from types import FrameType
from typing import Any

COMPILED_FOR: str
UNREADABLE: str

STATUS_RUNNING: int
STATUS_DONE: int
STATUS_OUT_OF_MEMORY: int
STATUS_READER_GONE: int
STATUS_OUTPUT_FAILED: int
STATUS_CORRUPT: int
STATUS_MISMATCH: int
STATUS_MEMORY_BOUND: int
STATUS_FAULT: int
STATUS_PRESSURE: int
STATUS_COPIED: int
PHASE_NONE: int
PHASE_SIZE: int
PHASE_EDGES: int
PHASE_MARK: int
PHASE_TYPE: int
PHASE_ROOT: int
LEFT_OUT_THREADS: int
LEFT_OUT_FRAMES: int
LEFT_OUT_CALLBACKS: int
LEFT_OUT_PART_NAMES: int
LEFT_OUT_SITES: int

WALK_SNAPSHOT: int
WALK_CENSUS: int
WALK_GROWTH: int
WALK_REFERRERS: int
WALK_PROOF: int

EDGE_ELEMENT: int
EDGE_KEY: int
EDGE_VALUE: int
EDGE_ATTRIBUTE: int
EDGE_SLOT: int
EDGE_LOCAL: int
EDGE_CELL: int
EDGE_INTERNAL: int
EDGE_WEAK: int
EDGE_ROOT: int

PATH_MODULES: int
PATH_INTERPRETER: int
PATH_THREADS: int
PATH_HELD_BY_C: int
PATH_GARBAGE: int
PATH_FROZEN_GARBAGE: int
PATH_OWN: int
PATH_OTHER: int
PATH_OTHERS: int
PATH_FIRST: int

REFERRERS_END: int
REFERRERS_OBJECT: int
REFERRERS_MODULES: int
REFERRERS_INTERPRETER: int
REFERRERS_THREAD: int
REFERRERS_FRAME: int
REFERRERS_OWN: int
REFERRERS_HELD_BY_C: int
REFERRERS_GARBAGE: int
REFERRERS_OTHER_INTERPRETER: int
REFERRERS_WAY: int
REFERRERS_TYPE: int

CENSUS_ESTIMATED: int
CENSUS_OWN: int

CONTENT_LEVEL_NONE: int
CONTENT_LEVEL_KEYS: int
CONTENT_LEVEL_VALUES: int

LOOKUP_FOUND: int
LOOKUP_UNKNOWN_ID: int
LOOKUP_NOT_TRACKED: int
LOOKUP_OTHER_TYPE: int
LOOKUP_PAST_LIMIT: int

PLANT_INSTANCE: int
PLANT_FIRST: int
PLANT_SECOND: int
PLANT_DICTED: int
PLANT_STRING_DICT: int
PLANT_GENERAL_DICT: int
PLANT_KEY: int
PLANT_VALUE: int
PLANT_LIST: int
PLANT_ITEM: int
PLANT_SLOTTED: int
PLANT_TRACKED: int
PLANT_CALLBACKS: int
PLANT_CODE: int
PLANT_LOCAL: int
PLANT_GENERATOR: int
PLANT_FUNCTION: int
PLANT_FUNCTION_CODE: int
PLANT_FROZEN: int
PLANT_SIZES: int
PLANT_CLASS_DICT_HAS: int
PLANT_FROZEN_DICT: int
PLANT_RUNNING_LOOP: int

class Child:
    """A child process that walks or has ended."""

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
    """Table of the paths that the children of growth samples have found."""

    @property
    def broken(self) -> bool: ...
    @property
    def samples(self) -> int: ...

def path_table() -> PathTable: ...
def count_interpreters() -> tuple[int, int, int] | None: ...
def is_single() -> bool: ...
def current_frames() -> dict[int, FrameType]: ...
def start(
    kind: int,
    output: int,
    bounds: tuple[float, int, int, float, tuple[tuple[str, str, str, int], ...]],
    roots: tuple[tuple[object, str], ...],
    own: tuple[object, ...],
    threads: tuple[tuple[int, str, bool], ...],
    site: tuple[object, str, int] | None = None,
    detail: tuple[object, ...] | PathTable | None = None,
) -> Child: ...
def learn_arrays(kind: type, samples: tuple[tuple[object, int, int, str], ...]) -> bool: ...
def arena_statistics() -> bytes: ...
def find_object(object_id: int, type_name: str, seconds: float, /) -> tuple[int, Any]: ...
def find_instances(kind: type, seconds: float, /) -> tuple[list[Any], bool]: ...
