/* The state of one walk, and where it begins: walk_snapshot.c, walk_census.c and roots.c. */
#ifndef OPS_WALKER_WALK_H
#define OPS_WALKER_WALK_H

#define SYNTHETIC_TYPES 6

/* What a fault in tp_traverse or in a size would interrupt. */
typedef enum {
    PHASE_NONE, /* nothing that can be given up: a fault ends the child */
    PHASE_SIZE,
    PHASE_EDGES,
    PHASE_MARK,
    PHASE_TYPE, /* of an object, whether it is one */
    PHASE_ROOT, /* of a root in the queue, what it refers to */
} Phase;

struct Walk {
    const Settings *settings;
    Shared *shared;
    int census;
    struct Paths *paths; /* of a growth sample; NULL in other walks */
    struct Referrers *referrers; /* of a search for what holds objects */
    traverseproc instance_traverse;

    Visited visited;
    Queue queue;
    Queue held_by_c;       /* objects that a root of their own leads to */
    Queue garbage;
    uint32_t counts_above; /* see unreached.c */
    Names names;
    Types types;
    Sites sites;
    Batch batch;

    LateBlock *late_first;
    LateBlock *late_last;
    int own; /* reads what ops_service itself is made of */

    uint64_t next_object; /* indexes given out */
    uint64_t row;         /* index of the next row */
    uint64_t row_edges;   /* edges of it in this batch */
    uint64_t row_before;  /* edges of it in earlier batches */
    int row_continued;    /* its row stands in an earlier batch */
    uint64_t edge_count;
    uint64_t total_size;

    Part parts[PARTS_MAX];
    int part_count;
    int part_cursor;
    /* What a traversal will visit that was emitted already, in order. */
    PyObject *skip_object;
    int skip_shape;
    Py_ssize_t skip_at;
    int skip_key;
    int traversed_elements;

    int shows_contents; /* any of the following, or hashes */
    int shows_keys;
    int shows_values;
    uint8_t *content_room;
    Hashing hashing;

    uint8_t *piece;
    size_t piece_left;
    uint32_t synthetic_types[SYNTHETIC_TYPES];
    uint32_t class_label;
    uint32_t dict_label;

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

void graph_walk(Walk *walk);
/* Whether the walk of a snapshot is to come to a part of ops_service from its own root. */
int graph_is_held_back(Walk *walk, const void *object);
int graph_is_unreached(Walk *walk, const void *object);
/* Reads an object that nothing leads to, and what lies behind it. */
void graph_seed(Walk *walk, PyObject *object);
void census_walk(Walk *walk);

/* Number of roots before threads: modules and the interpreter. */
#define ROOT_MODULES 0
#define ROOT_INTERPRETER 1
#define ROOT_OWN 2
#define ROOT_HELD_BY_C 3

/* Pushes the roots of the application; returns how many there are. */
uint32_t roots_push(Walk *walk);
/* Pushes the roots of ops_service itself. */
uint32_t roots_push_own(Walk *walk);
/* Pushes the root of what C code holds. */
uint32_t roots_push_held(Walk *walk);
/* For walks that mark what they saw: whether what ops_service itself is made of counts
 * as seen, until its own root comes to it. */
void roots_hold_back_own(Walk *walk, int hold_back);
/* Introduces a synthetic node and returns the index of its type. */
uint32_t root_define(Walk *walk, uintptr_t address, uint32_t tag);
/* Name of the type under which a root of the queue is shown. */
const char *root_type(uintptr_t entry);
const ThreadName *thread_name(const Walk *walk, const PyThreadState *thread);
/* The thread after one (NULL for the first) that is the service's own, or that is not.
 * NULL past the bound on threads, and what is left out is counted. */
PyThreadState *thread_next(Walk *walk, PyThreadState *after, int own, uint32_t *seen);
void root_edges(Walk *walk, uintptr_t address, uint32_t tag);
/* The same for a root from the queue: a fault gives it up, and goes on at walk->resume. */
void root_read(Walk *walk, uintptr_t address, uint32_t tag);

/* ---- unreached.c ------------------------------------------------------------- */

/* Counts references among objects that are not marked. Puts these into a queue, if there
 * is one, with 1 for their lowest bit if they are frozen. */
void unreached_count(Walk *walk, Queue *found);
/* Whether an object has more references than those. */
int unreached_is_held_by_c(Walk *walk, PyObject *object);
/* In a snapshot: has walk->held_by_c hold the objects that are, and walk->garbage the
 * others that no root reaches; whether there are any of the former. */
int unreached_sort(Walk *walk);

/* ---- own.c: what is the port's own without being reached from it ---------------- */

/* Notes that an object is. */
void own_note(Walk *walk, PyObject *object);
/* Whether an object that no root reaches refers to what is. */
int own_leads_from(Walk *walk, PyObject *object);
/* Reads the garbage that does; the rest stays where it was. */
void own_seed_garbage(Walk *walk);

/* The next object on the collector's lists; NULL at their end. */
void gc_lists_begin(Walk *walk);
PyObject *gc_lists_next(Walk *walk);
/* Whether gc.freeze() took the latest one from the collector. */
static inline int
gc_lists_frozen(const Walk *walk)
{
    return walk->lists.number == LAYOUT_GC_LISTS - 1;
}

#endif
