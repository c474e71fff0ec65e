/* The state of one walk. */
#ifndef OPS_WALKER_WALK_H
#define OPS_WALKER_WALK_H

#include "census.h"
#include "edges.h"
#include "gc_lists.h"
#include "growth.h"
#include "names.h"
#include "queue.h"
#include "referrers.h"
#include "settings.h"
#include "sites.h"
#include "snapshot.h"
#include "types.h"
#include "visited.h"

#include <setjmp.h>

struct Walk {
    const Settings *settings;
    Shared *shared;
    WalkKind kind;
    int own; /* reads what ops_service itself is made of */
    traverseproc instance_traverse;

    Visited visited;
    Queue queue;
    Names names;
    Types types;
    Sites sites;
    uint32_t counts_above; /* see unreached.c */
    uint32_t class_label;
    uint32_t dict_label;

    /* Of the kind of this walk alone. */
    Snapshot snapshot;
    Census census;
    Growth growth;
    Referrers referrers;

    /* Of the object that is being read, see edges.c. */
    Part parts[PARTS_MAX];
    int part_count;
    int part_cursor;
    /* What a traversal will visit that was reported already, in order. */
    PyObject *skip_object;
    int skip_shape;
    Py_ssize_t skip_at;
    int skip_key;
    int traversed_elements;

    uint8_t *piece;
    size_t piece_left;

    /* Where a fault continues, and what was being read. */
    sigjmp_buf resume;
    Phase phase;
    TypeEntry *reading;
    uintptr_t entry;
    GcLists lists;
    uint64_t list_seen;
    uint64_t ticks;
    double began;
    double looked;
    uint64_t anonymous_before;
    double measure_next;
};

/* Say what is read from here on, to the handler of faults. A compiler that does not
 * know of it would move the reading itself across these. */
static inline void
phase_is(Walk *walk, Phase phase)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    walk->phase = phase;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void
reading_is(Walk *walk, TypeEntry *entry)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    walk->reading = entry;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline TypeEntry *
type_entry(Walk *walk, PyTypeObject *type)
{
    TypeEntry *recent = *types_recent(&walk->types, type);
    if (recent != NULL && recent->type == type)
        return recent;
    return type_entry_slow(walk, type);
}

#endif
