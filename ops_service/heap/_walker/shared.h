/* The page that parent and child share: progress and result of the walk. */
#ifndef OPS_WALKER_SHARED_H
#define OPS_WALKER_SHARED_H

#include "walker.h"

typedef enum {
    STATUS_RUNNING = 0,
    STATUS_DONE = 1,
    STATUS_OUT_OF_MEMORY = 2,
    STATUS_READER_GONE = 3,
    STATUS_OUTPUT_FAILED = 4,
    STATUS_CORRUPT = 5,
    STATUS_MISMATCH = 6,
    STATUS_MEMORY_BOUND = 7,
    STATUS_FAULT = 8,
    STATUS_PRESSURE = 9,
    STATUS_COPIED = 10,
} Status;

/* The work that a fault would interrupt. */
typedef enum {
    PHASE_NONE, /* nothing that the walk can skip: a fault ends the child */
    PHASE_SIZE,
    PHASE_EDGES,
    PHASE_MARK,
    PHASE_TYPE, /* checks whether an object is one */
    PHASE_ROOT, /* reads the references of a root in the queue */
} Phase;

/* Things that a bound of the walk left out. */
enum {
    LEFT_OUT_THREADS,
    LEFT_OUT_FRAMES, /* or exceptions that are being handled */
    LEFT_OUT_CALLBACKS,
    LEFT_OUT_PART_NAMES,
    LEFT_OUT_SITES,
    LEFT_OUT_COUNT,
};

#define OPAQUE_MAX 16
#define TYPE_NAME_ROOM 128

typedef struct {
    volatile uint32_t status;
    volatile uint32_t error_number;
    volatile uint64_t objects;
    volatile uint64_t edges;
    volatile uint64_t types;
    volatile uint64_t names;
    volatile uint64_t total_size;
    volatile uint64_t mapped_now;
    volatile uint64_t mapped_peak;
    volatile uint64_t unstable_ids;
    volatile uint64_t unnamed_past_bound;
    volatile uint64_t sites_read;
    volatile uint64_t hashes_made;
    volatile uint64_t left_out_objects;
    volatile uint64_t left_out_edges;
    volatile uint64_t left_out[LEFT_OUT_COUNT];
    /* Interpreters beside the own one, by how the walk treats them. */
    volatile uint32_t others_read;
    volatile uint32_t others_own_gil; /* left out */
    volatile uint32_t others_unready; /* left out: being created or ended */
    volatile uint32_t others_unknown; /* whether there may be more */
    /* Bytes that exist twice because of the child, if the system reports them. */
    volatile uint64_t copied;
    volatile uint32_t copied_known;
    volatile uint64_t proof_step;
    /* Written by the parent: CPU time that it has spent on the output so far. */
    volatile uint64_t spent_microseconds;
    /* Types whose traversal faulted; the last one ended the child if status and
     * fault_phase say so. */
    volatile uint32_t opaque_count;
    /* The fault that ended the child: the interrupted phase, and the address. */
    volatile uint32_t fault_phase;
    volatile uint64_t fault_address;
    volatile char opaque[OPAQUE_MAX + 1][TYPE_NAME_ROOM];
} Shared;

#endif
