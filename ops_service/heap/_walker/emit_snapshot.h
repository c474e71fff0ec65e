/* emit_snapshot.c: the rows of a snapshot, in batches. */
#ifndef OPS_WALKER_EMIT_SNAPSHOT_H
#define OPS_WALKER_EMIT_SNAPSHOT_H

#include "deferred_edges.h"
#include "memory.h"
#include "sizes.h"

/* In the order of their fields in HeapGraphBatch. */
enum {
    COLUMN_TYPE_INDEXES,
    COLUMN_SIZES,
    COLUMN_ID_DELTAS,
    COLUMN_FLAGS,
    COLUMN_EDGE_COUNTS,
    COLUMN_EDGE_TARGETS,
    COLUMN_EDGE_LABELS,
    COLUMN_EXTRA_SIZES,
    COLUMN_LATE_SOURCES,
    COLUMN_LATE_TARGETS,
    COLUMN_LATE_LABELS,
    COLUMN_SITES,
    COLUMN_CONTENT_OBJECTS,
    COLUMN_CONTENT_KINDS,
    COLUMN_CONTENT_LENGTHS,
    COLUMN_CONTENT_SIZES,
    COLUMN_CONTENTS,
    COLUMN_HASH_OBJECTS,
    COLUMN_HASHES,
    COLUMN_LATE_PLACES,
    COLUMN_NAMED_OBJECTS,
    COLUMN_NAMED_NUMBERS,
    COLUMN_NAMED_NAMES,
    COLUMN_COUNT,
};

typedef struct {
    Buffer definitions; /* types, names, roots */
    Buffer columns[COLUMN_COUNT];
    uint64_t first_object;
    uint64_t first_next;
    uint64_t continued_edges;
    uint64_t last_id;
    uint64_t last_content; /* index of the object of the last content */
    uint64_t last_hash;
    size_t any_extra;
} Batch;

void emit_open(Walk *walk);
void emit_row(Walk *walk, uint32_t type_index, Size size, uint32_t id, uint32_t flags,
              uint32_t site);
void emit_row_end(Walk *walk);
void emit_edge(Walk *walk, uint64_t target, uint32_t label);
void emit_deferred_edge(Walk *walk, const DeferredEdge *edge, uint64_t target);
void emit_content(Walk *walk, uint64_t index, uint8_t kind, uint64_t length, const uint8_t *data,
                  size_t size);
/* A name for an entry of a dict whose row is already written. */
void emit_named_entry(Walk *walk, uint64_t index, uint64_t number, uint32_t name);
/* Writes the hash of the current row's object. */
void emit_hash(Walk *walk, uint64_t hash);
void emit_flush(Walk *walk);
/* Marks the end of the output. */
void emit_end(Walk *walk);

#endif
