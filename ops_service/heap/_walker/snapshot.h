/* sink_snapshot.c and walk_snapshot.c: the walk of a snapshot. */
#ifndef OPS_WALKER_SNAPSHOT_H
#define OPS_WALKER_SNAPSHOT_H

#include "deferred_edges.h"
#include "emit_snapshot.h"
#include "hash.h"
#include "queue.h"
#include "visited.h"

#define SYNTHETIC_TYPES 7

typedef struct {
    uint64_t next_object; /* indexes assigned so far */
    uint64_t row;         /* index of the next row */
    uint64_t row_edges;   /* edges of it in this batch */
    uint64_t row_before;  /* edges of it in earlier batches */
    int row_continued;    /* its row began in an earlier batch */
    uint64_t edge_count;
    uint64_t total_size;
    Batch batch;
    DeferredEdges deferred;
    Queue held_by_c; /* objects for the root ROOT_HELD_BY_C */
    Queue garbage;
    uint32_t synthetic_types[SYNTHETIC_TYPES];

    int shows_contents; /* any of the following, or hashes */
    int shows_keys;
    int shows_values;
    uint8_t *content_room;
    Hashing hashing;
} Snapshot;

/* Whether the row of an object is written, according to its place in the indexes. */
static inline int
snapshot_is_written(const Snapshot *snapshot, uint32_t place)
{
    return place != 0 && place != INDEX_OWN && place - 1 < snapshot->row;
}

/* ---- sink_snapshot.c --------------------------------------------------------------- */

void snapshot_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag);
/* The place of an object in the indexes. Holds its index plus one, or 0 if it has
 * none yet. */
uint32_t *snapshot_place(Walk *walk, const void *object);
uint64_t snapshot_give_index(Walk *walk);
/* Whether the snapshot may not take any further object. */
int snapshot_is_full(const Walk *walk);
/* Whether an object is a part of ops_service that the walk reads later, from its
 * own root. */
int snapshot_is_held_back(Walk *walk, const void *object);

/* ---- walk_snapshot.c --------------------------------------------------------------- */

void snapshot_walk(Walk *walk);

#endif
