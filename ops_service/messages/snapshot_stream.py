"""Converts a capture to the messages of its stream: header, unchanged batches, trailer."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator

from ops_service.heap.arenas import arena_statistics
from ops_service.heap.model import CaptureStart, CaptureSummary, ContentLevel, Cut
from ops_service.heap.snapshot import Capture
from ops_service.messages.basics import (
    ALLOCATION_SITES,
    CAPTURE_MODES,
    CONTENT_LEVELS,
    duration,
    timestamp,
)
from ops_service.messages.memory import memory_parts
from ops_service.process.memory import read_memory
from ops_service.v1 import heap_graph_pb2, process_pb2
from ops_service.varint import delimited

FORMAT_VERSION = 1


def snapshot_messages(
    capture: Capture,
    *,
    process: process_pb2.ProcessId,
    snapshot_id: str,
    gc_moment: heap_graph_pb2.GcMoment,
) -> Iterator[bytes]:
    """Yield the serialized messages of one snapshot, each prefixed with its length.

    Together they are the snapshot's file. Blocks as the capture does.

    The trailer's checksum and byte count are those of the bytes before it.
    """
    checksum = hashlib.sha256()
    byte_count = 0

    def counted(data: bytes) -> bytes:
        nonlocal byte_count
        checksum.update(data)
        byte_count += len(data)
        return data

    header = _header(capture.start, process, snapshot_id, gc_moment)
    yield counted(delimited(header.SerializeToString()))
    for batch in capture:
        yield counted(batch)
    trailer = _trailer(capture.summary)
    trailer.trailer.byte_count = byte_count
    trailer.trailer.sha256 = checksum.digest()
    yield delimited(trailer.SerializeToString())


def _header(
    start: CaptureStart,
    process: process_pb2.ProcessId,
    snapshot_id: str,
    gc_moment: heap_graph_pb2.GcMoment,
) -> heap_graph_pb2.CaptureHeapSnapshotResponse:
    has_contents = start.contents.level is not ContentLevel.NONE
    header = heap_graph_pb2.HeapGraphHeader(
        process=process,
        format_version=FORMAT_VERSION,
        snapshot_id=snapshot_id,
        capture_time=timestamp(start.capture_time),
        content_level=CONTENT_LEVELS[start.contents.level],
        content_limit=start.contents.limit if has_contents else 0,
        strings_hashed=start.contents.hash_strings,
        capture_mode=CAPTURE_MODES[start.mode],
        gc_moment=gc_moment,
        python_implementation=platform.python_implementation(),
        python_version=platform.python_version(),
        clone_pause=duration(start.clone_pause),
        allocated_block_count=start.allocated_blocks,
        resident_bytes=start.resident_bytes,
        allocation_sites=ALLOCATION_SITES[start.sites],
        memory=memory_parts(read_memory(arena_statistics)),
    )
    return heap_graph_pb2.CaptureHeapSnapshotResponse(header=header)


def _cut(cut: Cut | None) -> heap_graph_pb2.HeapGraphCut | None:
    if cut is None:
        return None
    return heap_graph_pb2.HeapGraphCut(
        max_objects=cut.max_objects,
        left_out_object_count=cut.left_out_objects,
        left_out_edge_count=cut.left_out_edges,
    )


def _trailer(summary: CaptureSummary) -> heap_graph_pb2.CaptureHeapSnapshotResponse:
    trailer = heap_graph_pb2.HeapGraphTrailer(
        object_count=summary.object_count,
        edge_count=summary.edge_count,
        type_count=summary.type_count,
        name_count=summary.name_count,
        total_size=summary.total_size,
        clone_pause=duration(summary.pause),
        child_lifetime=duration(summary.child_lifetime),
        child_cpu_time=duration(summary.child_cpu_time),
        child_table_bytes=summary.child_table_bytes,
        warnings=summary.warnings,
        cut=_cut(summary.cut),
        copied_bytes=summary.copied_bytes,
        cpu_throttled_count=summary.cpu_throttled,
    )
    return heap_graph_pb2.CaptureHeapSnapshotResponse(trailer=trailer)
