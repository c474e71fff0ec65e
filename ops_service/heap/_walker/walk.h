/* The state of one walk. */
#ifndef OPS_WALKER_WALK_H
#define OPS_WALKER_WALK_H

#include "census.h"
#include "edges.h"
#include "gc_lists.h"
#include "growth.h"
#include "interpreters.h"
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
    int own; /* reads the parts of ops_service itself */
    traverseproc instance_traverse;

    Interpreters interpreters;
    Visited visited;
    Queue queue;
    Names names;
    Types types;
    Sites sites;
    uint32_t counts_above; /* see unreached.c */
    uint32_t class_label;
    uint32_t dict_label;

    /* State of each kind of walk; only that of this walk's kind is used. */
    Snapshot snapshot;
    Census census;
    Growth growth;
    Referrers referrers;

    /* State for the object being read, see edges.c. */
    Part parts[PARTS_MAX];
    int part_count;
    int part_cursor;
    /* Visits of a traversal that are already reported, in order. */
    PyObject *skip_object;
    int skip_shape;
    Py_ssize_t skip_at;
    int skip_key;
    int traversed_elements;

    uint8_t *piece;
    size_t piece_left;

    /* Where the walk continues after a fault, and what was being read. */
    sigjmp_buf resume;
    Phase phase;
    TypeEntry *reading;
    uintptr_t entry;
    GcLists lists;
    int lists_number; /* of the interpreter whose lists they are: 0 is the own one */
    uint64_t list_seen;
    uint64_t ticks;
    double began;
    double looked;
    uint64_t anonymous_before;
    double measure_next;
};

/* Where the parts of the interpreter's state stand. */
static inline const Located *
located(const Walk *walk)
{
    return &walk->settings->known.located;
}

/* Record, for the fault handler, what is read from here on. Without a barrier, the
 * compiler could move the read across these. */
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
