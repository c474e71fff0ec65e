/* sink_referrers.c, walk_referrers.c and emit_referrers.c: what holds an object, or the
 * objects of a type.
 */
#ifndef OPS_WALKER_REFERRERS_H
#define OPS_WALKER_REFERRERS_H

#include "walker.h"

/* Objects that refer to others, in the order in which the walk found them. */
typedef struct {
    uintptr_t entry; /* address and tag */
    uint32_t parent; /* row that found it; ROW_NONE where a walk begins */
    uint32_t label;
    uint32_t element; /* number of the element, where the label is one */
    uint32_t node;    /* its number in the output; 0 if it is not in it */
} ReferrerRow;

#define ROW_NONE UINT32_MAX
#define ROW_BLOCK (1u << 16)
#define ROW_BLOCKS_MAX (1u << 16)

/* One way to an object that is asked for. */
typedef struct {
    uintptr_t entry;
    uint32_t parent;
    uint32_t label;
    uint32_t element;
} ReferrerWay;

#define WAYS_MAX 1000u
#define NODES_MAX (1u << 16)
/* Steps of a way in the output. Of a longer one, the middle is left out. */
#define STEPS_MAX 60u
#define STEPS_FIRST 20u
#define STEPS_LAST 20u

typedef struct {
    const char *text;
    size_t length;
} ReferrerName;

/* What is known of a node in the output. */
typedef struct {
    uint32_t steps;  /* in the output, from where its way begins */
    uint32_t depth;  /* in the heap */
    uint32_t anchor; /* the node at STEPS_FIRST of its way, or itself above that */
} ReferrerNode;

typedef struct {
    uintptr_t address; /* of the object that is asked for; 0 for a type */
    double stop_at;
    int stopped;

    ReferrerRow **blocks;
    uint32_t count;
    uint32_t next;    /* the row to be read */
    uint32_t at;      /* the row that is being read */
    uint32_t element; /* elements of it so far */

    int is_barrier;  /* what the object refers to waits */
    int is_found;
    int is_following; /* reads what lies behind it */
    int is_followed;  /* has read it: a root reaches the object */
    uint32_t latest; /* the row that referred to it last */
    ReferrerWay ways[WAYS_MAX];
    uint32_t way_count;
    uint64_t ways_seen;
    uint64_t stride; /* of the objects of a type, one in so many is kept */
    uint64_t objects;

    ReferrerName *names; /* by their numbers */
    ReferrerNode *nodes;
    uint32_t node_count;
} Referrers;

/* What stands on a way: the first byte of a record. */
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
    REFERRERS_WAY = 16, /* added to what the object is */
    REFERRERS_TYPE = 64,
};

void referrers_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag);
ReferrerRow *referrers_row(Referrers *referrers, uint32_t number);
void referrers_row_add(Walk *walk, uintptr_t entry, uint32_t parent, uint32_t label);
void referrers_way_add(Walk *walk, uintptr_t entry, uint32_t label);
void referrers_walk(Walk *walk);
void referrers_emit(Walk *walk);

#endif
