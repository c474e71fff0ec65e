/* sink_referrers.c, walk_referrers.c and emit_referrers.c: the search for the holders
 * of an object or of a type's objects.
 */
#ifndef OPS_WALKER_REFERRERS_H
#define OPS_WALKER_REFERRERS_H

#include "walker.h"

/* An object that refers to others; rows are in the order in which the walk finds them. */
typedef struct {
    uintptr_t entry; /* address and tag */
    uint32_t parent; /* row that found it; ROW_NONE at the start of a walk */
    uint32_t label;
    uint32_t element; /* number of the element, if the label is one */
    uint32_t node;    /* its number in the output; 0 if it has none */
} ReferrerRow;

#define ROW_NONE UINT32_MAX
#define ROW_BLOCK (1u << 16)
#define ROW_BLOCKS_MAX (1u << 16)

/* One path to a searched object. */
typedef struct {
    uintptr_t entry;
    uint32_t parent;
    uint32_t label;
    uint32_t element;
} ReferrerWay;

#define WAYS_MAX 1000u
#define NODES_MAX (1u << 16)
/* Steps of a path in the output. The middle of a longer path is left out. */
#define STEPS_MAX 60u
#define STEPS_FIRST 20u
#define STEPS_LAST 20u

typedef struct {
    const char *text;
    size_t length;
} ReferrerName;

/* A node of the output. */
typedef struct {
    uint32_t steps;  /* in the output, from the start of its path */
    uint32_t depth;  /* in the heap */
    uint32_t anchor; /* the node at STEPS_FIRST of its path; before that, the node itself */
} ReferrerNode;

typedef struct {
    uintptr_t address; /* of the searched object; 0 for a type */
    double stop_at;
    int stopped;

    ReferrerRow **blocks;
    uint32_t count;
    uint32_t next;    /* the next row to read */
    uint32_t at;      /* the row being read */
    uint32_t element; /* elements of that row so far */

    int is_barrier;  /* references of the searched object wait */
    int is_found;
    int is_following; /* reads the objects behind it */
    int is_followed;  /* has read them: a root reaches the object */
    uint32_t latest; /* the last row that referred to it */
    ReferrerWay ways[WAYS_MAX];
    uint32_t way_count;
    uint64_t ways_seen;
    uint64_t stride; /* of a type's objects, one in this many is kept */
    uint64_t objects;

    ReferrerName *names; /* by their numbers */
    ReferrerNode *nodes;
    uint32_t node_count;
} Referrers;

/* Kind of a node or path: the first byte of a record. */
enum {
    REFERRERS_END = 0,
    REFERRERS_OBJECT = 1,
    REFERRERS_MODULES = 2,
    REFERRERS_INTERPRETER = 3,
    REFERRERS_THREAD = 4,
    REFERRERS_FRAME = 5,
    REFERRERS_OWN = 6,
    REFERRERS_HELD_BY_C = 7,
    REFERRERS_GARBAGE = 8,
    REFERRERS_OTHER_INTERPRETER = 9,
    REFERRERS_WAY = 16, /* added to the kind of the object */
    REFERRERS_TYPE = 64,
};

void referrers_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag);
ReferrerRow *referrers_row(Referrers *referrers, uint32_t number);
void referrers_row_add(Walk *walk, uintptr_t entry, uint32_t parent, uint32_t label);
void referrers_way_add(Walk *walk, uintptr_t entry, uint32_t label);
void referrers_walk(Walk *walk);
void referrers_emit(Walk *walk);

#endif
