/* edges.c and parts.c: what an object refers to, and by what name. */
#ifndef OPS_WALKER_EDGES_H
#define OPS_WALKER_EDGES_H

enum {
    KIND_ELEMENT = 1,
    KIND_KEY = 2,
    KIND_VALUE = 3,
    KIND_ATTRIBUTE = 4,
    KIND_SLOT = 5,
    KIND_LOCAL = 6,
    KIND_CELL = 7,
    KIND_INTERNAL = 8,
    KIND_WEAK = 9,
    KIND_ROOT = 10,
};

#define LABEL(name, kind) (((uint32_t)(name) << 4) | (uint32_t)(kind))

/* What an entry of the queue is, in the low bits of its address. */
enum {
    TAG_OBJECT = 0,
    TAG_NAMESPACE = 1, /* a dict whose keys are names */
    TAG_FRAME = 2,
    TAG_THREAD = 3,
    TAG_ROOT = 4,
    TAG_HELD_BY_C = 5, /* an object that C code holds */
    TAG_CYCLE = 6,     /* one that no edge found */
    TAG_OWN = 7,       /* of ops_service itself, whatever finds it */
    TAG_MASK = 7,
};

typedef struct {
    PyObject *target;
    uint32_t label;
    uint32_t tag;
} Part;

#define PARTS_MAX 1024

/* Reports one reference of the object being read. */
void edge(Walk *walk, PyObject *target, uint32_t label, uint32_t tag);
void graph_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag);
void census_edge(Walk *walk, PyObject *target);
/* ---- namespaces.c: dicts whose keys are names ------------------------------- */

int namespace_known(Walk *walk, PyDictObject *dict);
/* Something showed that a dict is a namespace. Its place among the indexes tells
 * whether its entries are written already; then their names follow. */
void namespace_found(Walk *walk, PyObject *dict, uint32_t place);
/* The namespaces of a threading.local, one for each thread. */
void namespaces_of_local(Walk *walk, PyObject *object);

/* ---- edges.c and parts.c ------------------------------------------------------ */

void edges_of(Walk *walk, PyObject *object, TypeEntry *entry);
void edges_of_frame(Walk *walk, layout_frame *frame);
void parts_of(Walk *walk, PyObject *object, TypeEntry *entry);
void parts_left_out(Walk *walk, PyObject *object);
void part_add(Walk *walk, PyObject *target, const char *name, uint32_t kind, uint32_t tag);

#endif
