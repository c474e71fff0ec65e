from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ops_service.v1 import memory_pb2 as _memory_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ContentLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTENT_LEVEL_UNSPECIFIED: _ClassVar[ContentLevel]
    CONTENT_LEVEL_NONE: _ClassVar[ContentLevel]
    CONTENT_LEVEL_KEYS: _ClassVar[ContentLevel]
    CONTENT_LEVEL_VALUES: _ClassVar[ContentLevel]

class GcMoment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GC_MOMENT_UNSPECIFIED: _ClassVar[GcMoment]
    GC_MOMENT_NOW: _ClassVar[GcMoment]
    GC_MOMENT_COLLECT_FIRST: _ClassVar[GcMoment]
    GC_MOMENT_AFTER_NEXT_FULL_COLLECTION: _ClassVar[GcMoment]

class CaptureMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAPTURE_MODE_UNSPECIFIED: _ClassVar[CaptureMode]
    CAPTURE_MODE_FORKED: _ClassVar[CaptureMode]

class HeapTypeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEAP_TYPE_KIND_UNSPECIFIED: _ClassVar[HeapTypeKind]
    HEAP_TYPE_KIND_PYTHON: _ClassVar[HeapTypeKind]
    HEAP_TYPE_KIND_SYNTHETIC: _ClassVar[HeapTypeKind]

class HeapRootKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEAP_ROOT_KIND_UNSPECIFIED: _ClassVar[HeapRootKind]
    HEAP_ROOT_KIND_MODULES: _ClassVar[HeapRootKind]
    HEAP_ROOT_KIND_INTERPRETER: _ClassVar[HeapRootKind]
    HEAP_ROOT_KIND_THREAD: _ClassVar[HeapRootKind]
    HEAP_ROOT_KIND_FRAME: _ClassVar[HeapRootKind]
    HEAP_ROOT_KIND_OPS_SERVICE: _ClassVar[HeapRootKind]
    HEAP_ROOT_KIND_HELD_BY_C: _ClassVar[HeapRootKind]
    HEAP_ROOT_KIND_OTHER_INTERPRETER: _ClassVar[HeapRootKind]

class AllocationSites(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALLOCATION_SITES_UNSPECIFIED: _ClassVar[AllocationSites]
    ALLOCATION_SITES_NOT_TRACED: _ClassVar[AllocationSites]
    ALLOCATION_SITES_INCLUDED: _ClassVar[AllocationSites]
    ALLOCATION_SITES_OUT_OF_REACH: _ClassVar[AllocationSites]

class ContentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTENT_KIND_UNSPECIFIED: _ClassVar[ContentKind]
    CONTENT_KIND_TEXT: _ClassVar[ContentKind]
    CONTENT_KIND_BYTES: _ClassVar[ContentKind]
    CONTENT_KIND_INT: _ClassVar[ContentKind]
    CONTENT_KIND_FLOAT: _ClassVar[ContentKind]
    CONTENT_KIND_BOOL: _ClassVar[ContentKind]
    CONTENT_KIND_NONE: _ClassVar[ContentKind]

class EdgeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EDGE_KIND_UNSPECIFIED: _ClassVar[EdgeKind]
    EDGE_KIND_ELEMENT: _ClassVar[EdgeKind]
    EDGE_KIND_KEY: _ClassVar[EdgeKind]
    EDGE_KIND_VALUE: _ClassVar[EdgeKind]
    EDGE_KIND_ATTRIBUTE: _ClassVar[EdgeKind]
    EDGE_KIND_SLOT: _ClassVar[EdgeKind]
    EDGE_KIND_LOCAL: _ClassVar[EdgeKind]
    EDGE_KIND_CELL: _ClassVar[EdgeKind]
    EDGE_KIND_INTERNAL: _ClassVar[EdgeKind]
    EDGE_KIND_WEAK: _ClassVar[EdgeKind]
    EDGE_KIND_ROOT: _ClassVar[EdgeKind]
CONTENT_LEVEL_UNSPECIFIED: ContentLevel
CONTENT_LEVEL_NONE: ContentLevel
CONTENT_LEVEL_KEYS: ContentLevel
CONTENT_LEVEL_VALUES: ContentLevel
GC_MOMENT_UNSPECIFIED: GcMoment
GC_MOMENT_NOW: GcMoment
GC_MOMENT_COLLECT_FIRST: GcMoment
GC_MOMENT_AFTER_NEXT_FULL_COLLECTION: GcMoment
CAPTURE_MODE_UNSPECIFIED: CaptureMode
CAPTURE_MODE_FORKED: CaptureMode
HEAP_TYPE_KIND_UNSPECIFIED: HeapTypeKind
HEAP_TYPE_KIND_PYTHON: HeapTypeKind
HEAP_TYPE_KIND_SYNTHETIC: HeapTypeKind
HEAP_ROOT_KIND_UNSPECIFIED: HeapRootKind
HEAP_ROOT_KIND_MODULES: HeapRootKind
HEAP_ROOT_KIND_INTERPRETER: HeapRootKind
HEAP_ROOT_KIND_THREAD: HeapRootKind
HEAP_ROOT_KIND_FRAME: HeapRootKind
HEAP_ROOT_KIND_OPS_SERVICE: HeapRootKind
HEAP_ROOT_KIND_HELD_BY_C: HeapRootKind
HEAP_ROOT_KIND_OTHER_INTERPRETER: HeapRootKind
ALLOCATION_SITES_UNSPECIFIED: AllocationSites
ALLOCATION_SITES_NOT_TRACED: AllocationSites
ALLOCATION_SITES_INCLUDED: AllocationSites
ALLOCATION_SITES_OUT_OF_REACH: AllocationSites
CONTENT_KIND_UNSPECIFIED: ContentKind
CONTENT_KIND_TEXT: ContentKind
CONTENT_KIND_BYTES: ContentKind
CONTENT_KIND_INT: ContentKind
CONTENT_KIND_FLOAT: ContentKind
CONTENT_KIND_BOOL: ContentKind
CONTENT_KIND_NONE: ContentKind
EDGE_KIND_UNSPECIFIED: EdgeKind
EDGE_KIND_ELEMENT: EdgeKind
EDGE_KIND_KEY: EdgeKind
EDGE_KIND_VALUE: EdgeKind
EDGE_KIND_ATTRIBUTE: EdgeKind
EDGE_KIND_SLOT: EdgeKind
EDGE_KIND_LOCAL: EdgeKind
EDGE_KIND_CELL: EdgeKind
EDGE_KIND_INTERNAL: EdgeKind
EDGE_KIND_WEAK: EdgeKind
EDGE_KIND_ROOT: EdgeKind

class CaptureHeapSnapshotResponse(_message.Message):
    __slots__ = ("header", "batch", "trailer")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    header: HeapGraphHeader
    batch: HeapGraphBatch
    trailer: HeapGraphTrailer
    def __init__(self, header: _Optional[_Union[HeapGraphHeader, _Mapping]] = ..., batch: _Optional[_Union[HeapGraphBatch, _Mapping]] = ..., trailer: _Optional[_Union[HeapGraphTrailer, _Mapping]] = ...) -> None: ...

class HeapGraphHeader(_message.Message):
    __slots__ = ("process", "format_version", "snapshot_id", "capture_time", "content_level", "capture_mode", "gc_moment", "python_implementation", "python_version", "clone_pause", "allocated_block_count", "resident_bytes", "allocation_sites", "content_limit", "strings_hashed", "memory")
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    FORMAT_VERSION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_LEVEL_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_MODE_FIELD_NUMBER: _ClassVar[int]
    GC_MOMENT_FIELD_NUMBER: _ClassVar[int]
    PYTHON_IMPLEMENTATION_FIELD_NUMBER: _ClassVar[int]
    PYTHON_VERSION_FIELD_NUMBER: _ClassVar[int]
    CLONE_PAUSE_FIELD_NUMBER: _ClassVar[int]
    ALLOCATED_BLOCK_COUNT_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_SITES_FIELD_NUMBER: _ClassVar[int]
    CONTENT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    STRINGS_HASHED_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    process: _process_pb2.ProcessId
    format_version: int
    snapshot_id: str
    capture_time: _timestamp_pb2.Timestamp
    content_level: ContentLevel
    capture_mode: CaptureMode
    gc_moment: GcMoment
    python_implementation: str
    python_version: str
    clone_pause: _duration_pb2.Duration
    allocated_block_count: int
    resident_bytes: int
    allocation_sites: AllocationSites
    content_limit: int
    strings_hashed: bool
    memory: _memory_pb2.MemoryParts
    def __init__(self, process: _Optional[_Union[_process_pb2.ProcessId, _Mapping]] = ..., format_version: _Optional[int] = ..., snapshot_id: _Optional[str] = ..., capture_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., content_level: _Optional[_Union[ContentLevel, str]] = ..., capture_mode: _Optional[_Union[CaptureMode, str]] = ..., gc_moment: _Optional[_Union[GcMoment, str]] = ..., python_implementation: _Optional[str] = ..., python_version: _Optional[str] = ..., clone_pause: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., allocated_block_count: _Optional[int] = ..., resident_bytes: _Optional[int] = ..., allocation_sites: _Optional[_Union[AllocationSites, str]] = ..., content_limit: _Optional[int] = ..., strings_hashed: bool = ..., memory: _Optional[_Union[_memory_pb2.MemoryParts, _Mapping]] = ...) -> None: ...

class HeapType(_message.Message):
    __slots__ = ("module", "qualified_name", "kind", "type_id", "size_estimated")
    MODULE_FIELD_NUMBER: _ClassVar[int]
    QUALIFIED_NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    module: str
    qualified_name: str
    kind: HeapTypeKind
    type_id: int
    size_estimated: bool
    def __init__(self, module: _Optional[str] = ..., qualified_name: _Optional[str] = ..., kind: _Optional[_Union[HeapTypeKind, str]] = ..., type_id: _Optional[int] = ..., size_estimated: bool = ...) -> None: ...

class AllocationSite(_message.Message):
    __slots__ = ("file_name", "line")
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    line: int
    def __init__(self, file_name: _Optional[str] = ..., line: _Optional[int] = ...) -> None: ...

class HeapRoot(_message.Message):
    __slots__ = ("object_index", "kind", "name", "thread_id")
    OBJECT_INDEX_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    object_index: int
    kind: HeapRootKind
    name: str
    thread_id: int
    def __init__(self, object_index: _Optional[int] = ..., kind: _Optional[_Union[HeapRootKind, str]] = ..., name: _Optional[str] = ..., thread_id: _Optional[int] = ...) -> None: ...

class HeapGraphBatch(_message.Message):
    __slots__ = ("first_object_index", "next_object_index", "continued_edge_count", "types", "names", "roots", "type_indexes", "sizes", "id_deltas", "flags", "edge_counts", "edge_targets", "edge_labels", "extra_sizes", "late_edge_sources", "late_edge_targets", "late_edge_labels", "site_indexes", "allocation_sites", "content_object_deltas", "content_kinds", "content_lengths", "content_sizes", "contents", "hash_object_deltas", "hashes", "late_edge_places", "named_entry_objects", "named_entry_numbers", "named_entry_names")
    FIRST_OBJECT_INDEX_FIELD_NUMBER: _ClassVar[int]
    NEXT_OBJECT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTINUED_EDGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    TYPE_INDEXES_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    ID_DELTAS_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    EDGE_COUNTS_FIELD_NUMBER: _ClassVar[int]
    EDGE_TARGETS_FIELD_NUMBER: _ClassVar[int]
    EDGE_LABELS_FIELD_NUMBER: _ClassVar[int]
    EXTRA_SIZES_FIELD_NUMBER: _ClassVar[int]
    LATE_EDGE_SOURCES_FIELD_NUMBER: _ClassVar[int]
    LATE_EDGE_TARGETS_FIELD_NUMBER: _ClassVar[int]
    LATE_EDGE_LABELS_FIELD_NUMBER: _ClassVar[int]
    SITE_INDEXES_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_SITES_FIELD_NUMBER: _ClassVar[int]
    CONTENT_OBJECT_DELTAS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_KINDS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_LENGTHS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_SIZES_FIELD_NUMBER: _ClassVar[int]
    CONTENTS_FIELD_NUMBER: _ClassVar[int]
    HASH_OBJECT_DELTAS_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    LATE_EDGE_PLACES_FIELD_NUMBER: _ClassVar[int]
    NAMED_ENTRY_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    NAMED_ENTRY_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    NAMED_ENTRY_NAMES_FIELD_NUMBER: _ClassVar[int]
    first_object_index: int
    next_object_index: int
    continued_edge_count: int
    types: _containers.RepeatedCompositeFieldContainer[HeapType]
    names: _containers.RepeatedScalarFieldContainer[str]
    roots: _containers.RepeatedCompositeFieldContainer[HeapRoot]
    type_indexes: _containers.RepeatedScalarFieldContainer[int]
    sizes: _containers.RepeatedScalarFieldContainer[int]
    id_deltas: _containers.RepeatedScalarFieldContainer[int]
    flags: _containers.RepeatedScalarFieldContainer[int]
    edge_counts: _containers.RepeatedScalarFieldContainer[int]
    edge_targets: _containers.RepeatedScalarFieldContainer[int]
    edge_labels: _containers.RepeatedScalarFieldContainer[int]
    extra_sizes: _containers.RepeatedScalarFieldContainer[int]
    late_edge_sources: _containers.RepeatedScalarFieldContainer[int]
    late_edge_targets: _containers.RepeatedScalarFieldContainer[int]
    late_edge_labels: _containers.RepeatedScalarFieldContainer[int]
    site_indexes: _containers.RepeatedScalarFieldContainer[int]
    allocation_sites: _containers.RepeatedCompositeFieldContainer[AllocationSite]
    content_object_deltas: _containers.RepeatedScalarFieldContainer[int]
    content_kinds: _containers.RepeatedScalarFieldContainer[int]
    content_lengths: _containers.RepeatedScalarFieldContainer[int]
    content_sizes: _containers.RepeatedScalarFieldContainer[int]
    contents: bytes
    hash_object_deltas: _containers.RepeatedScalarFieldContainer[int]
    hashes: _containers.RepeatedScalarFieldContainer[int]
    late_edge_places: _containers.RepeatedScalarFieldContainer[int]
    named_entry_objects: _containers.RepeatedScalarFieldContainer[int]
    named_entry_numbers: _containers.RepeatedScalarFieldContainer[int]
    named_entry_names: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, first_object_index: _Optional[int] = ..., next_object_index: _Optional[int] = ..., continued_edge_count: _Optional[int] = ..., types: _Optional[_Iterable[_Union[HeapType, _Mapping]]] = ..., names: _Optional[_Iterable[str]] = ..., roots: _Optional[_Iterable[_Union[HeapRoot, _Mapping]]] = ..., type_indexes: _Optional[_Iterable[int]] = ..., sizes: _Optional[_Iterable[int]] = ..., id_deltas: _Optional[_Iterable[int]] = ..., flags: _Optional[_Iterable[int]] = ..., edge_counts: _Optional[_Iterable[int]] = ..., edge_targets: _Optional[_Iterable[int]] = ..., edge_labels: _Optional[_Iterable[int]] = ..., extra_sizes: _Optional[_Iterable[int]] = ..., late_edge_sources: _Optional[_Iterable[int]] = ..., late_edge_targets: _Optional[_Iterable[int]] = ..., late_edge_labels: _Optional[_Iterable[int]] = ..., site_indexes: _Optional[_Iterable[int]] = ..., allocation_sites: _Optional[_Iterable[_Union[AllocationSite, _Mapping]]] = ..., content_object_deltas: _Optional[_Iterable[int]] = ..., content_kinds: _Optional[_Iterable[int]] = ..., content_lengths: _Optional[_Iterable[int]] = ..., content_sizes: _Optional[_Iterable[int]] = ..., contents: _Optional[bytes] = ..., hash_object_deltas: _Optional[_Iterable[int]] = ..., hashes: _Optional[_Iterable[int]] = ..., late_edge_places: _Optional[_Iterable[int]] = ..., named_entry_objects: _Optional[_Iterable[int]] = ..., named_entry_numbers: _Optional[_Iterable[int]] = ..., named_entry_names: _Optional[_Iterable[int]] = ...) -> None: ...

class HeapGraphTrailer(_message.Message):
    __slots__ = ("object_count", "edge_count", "type_count", "name_count", "total_size", "byte_count", "sha256", "clone_pause", "child_lifetime", "child_cpu_time", "child_table_bytes", "warnings", "cpu_throttled_count", "copied_bytes", "cut")
    OBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    EDGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TYPE_COUNT_FIELD_NUMBER: _ClassVar[int]
    NAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CLONE_PAUSE_FIELD_NUMBER: _ClassVar[int]
    CHILD_LIFETIME_FIELD_NUMBER: _ClassVar[int]
    CHILD_CPU_TIME_FIELD_NUMBER: _ClassVar[int]
    CHILD_TABLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    CPU_THROTTLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    COPIED_BYTES_FIELD_NUMBER: _ClassVar[int]
    CUT_FIELD_NUMBER: _ClassVar[int]
    object_count: int
    edge_count: int
    type_count: int
    name_count: int
    total_size: int
    byte_count: int
    sha256: bytes
    clone_pause: _duration_pb2.Duration
    child_lifetime: _duration_pb2.Duration
    child_cpu_time: _duration_pb2.Duration
    child_table_bytes: int
    warnings: _containers.RepeatedScalarFieldContainer[str]
    cpu_throttled_count: int
    copied_bytes: int
    cut: HeapGraphCut
    def __init__(self, object_count: _Optional[int] = ..., edge_count: _Optional[int] = ..., type_count: _Optional[int] = ..., name_count: _Optional[int] = ..., total_size: _Optional[int] = ..., byte_count: _Optional[int] = ..., sha256: _Optional[bytes] = ..., clone_pause: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., child_lifetime: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., child_cpu_time: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., child_table_bytes: _Optional[int] = ..., warnings: _Optional[_Iterable[str]] = ..., cpu_throttled_count: _Optional[int] = ..., copied_bytes: _Optional[int] = ..., cut: _Optional[_Union[HeapGraphCut, _Mapping]] = ...) -> None: ...

class HeapGraphCut(_message.Message):
    __slots__ = ("max_objects", "left_out_object_count", "left_out_edge_count")
    MAX_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_OBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_EDGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    max_objects: int
    left_out_object_count: int
    left_out_edge_count: int
    def __init__(self, max_objects: _Optional[int] = ..., left_out_object_count: _Optional[int] = ..., left_out_edge_count: _Optional[int] = ...) -> None: ...
