/* edges.c and parts.c: the references of an object, and their names. */
#ifndef OPS_WALKER_EDGES_H
#define OPS_WALKER_EDGES_H

#include "types.h"

/* Same numbers as EdgeKind. */
enum {
    EDGE_ELEMENT = 1,
    EDGE_KEY = 2,
    EDGE_VALUE = 3,
    EDGE_ATTRIBUTE = 4,
    EDGE_SLOT = 5,
    EDGE_LOCAL = 6,
    EDGE_CELL = 7,
    EDGE_INTERNAL = 8,
    EDGE_WEAK = 9,
    EDGE_ROOT = 10,
};

#define LABEL(name, kind) (((uint32_t)(name) << 4) | (uint32_t)(kind))

/* Kind of a queue entry, in the low bits of its address. */
enum {
    TAG_OBJECT = 0,
    TAG_NAMESPACE = 1, /* a dict whose keys are names */
    TAG_FRAME = 2,
    TAG_THREAD = 3,
    TAG_ROOT = 4,
    TAG_HELD_BY_C = 5, /* an object that C code holds */
    TAG_CYCLE = 6,     /* an object that no edge found */
    TAG_OWN = 7,       /* part of ops_service, however it was found */
    TAG_MASK = 7,
};

typedef struct {
    PyObject *target;
    uint32_t label;
    uint32_t tag;
} Part;

#define PARTS_MAX 1024
/* Label of a part that the traversal visits and that another object holds. */
#define LABEL_ELSEWHERE UINT32_MAX

/* ---- edges.c --------------------------------------------------------------------- */

void edges_of(Walk *walk, PyObject *object, TypeEntry *entry);

/* ---- parts.c --------------------------------------------------------------------- */

void edges_of_frame(Walk *walk, layout_frame *frame);
void parts_of(Walk *walk, PyObject *object, TypeEntry *entry);
void parts_left_out(Walk *walk, PyObject *object);
void part_add(Walk *walk, PyObject *target, const char *name, uint32_t kind, uint32_t tag);

#endif
