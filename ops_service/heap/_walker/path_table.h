/* The table of folded paths: memory that the children of a process share.
 *
 * path_strings.c and path_trie.c extend it in a child, path_table.c holds it in the parent.
 */
#ifndef OPS_WALKER_PATH_TABLE_H
#define OPS_WALKER_PATH_TABLE_H

#include "walker.h"

/* Nodes that stand for where a walk begins, and not for objects. */
enum {
    PATH_NONE = 0,
    PATH_MODULES = 1,
    PATH_INTERPRETER = 2,
    PATH_THREADS = 3,
    PATH_HELD_BY_C = 4, /* more references than the heap shows */
    PATH_GARBAGE = 5,
    PATH_FROZEN_GARBAGE = 6, /* gc.freeze() took it from the collector */
    PATH_OWN = 7,
    PATH_OTHER = 8, /* the table is full */
    PATH_FIRST = 16,
};

#define PATH_NODES_MAX (1u << 20)
#define PATH_STRINGS_MAX (1u << 18)
#define PATH_TEXT_MAX (12u << 20)
/* Stands for every string that no longer fits. */
#define PATH_STRING_OTHER 1u

typedef struct {
    uint64_t count;
    uint64_t size;
    uint64_t length; /* elements of the containers among them */
} PathSums;

/* One folded path: an edge from the parent's objects to objects of a type. */
typedef struct {
    uint32_t parent;
    uint32_t label; /* number of the name << 4 | kind */
    uint32_t type;  /* number of the type's name */
    uint32_t told;  /* the parent process knows it */
    PathSums sums;  /* as the parent process knows them */
} PathNode;

typedef struct {
    uint32_t offset;
    uint16_t length;
    uint16_t told;
} PathString;

/* Paths that the children of one process have met. Shared by all of them, and
 * extended by one at a time: a node and a string keep their numbers. */
typedef struct PathTable {
    volatile uint32_t node_count;
    volatile uint32_t string_count;
    volatile uint32_t text_used;
    volatile uint32_t sample_count;
    /* A child that was killed here leaves sums that nobody can rely on. */
    volatile uint32_t committing;
    uint32_t modules_at_first; /* names of modules at the first sample */
    PathString strings[PATH_STRINGS_MAX];
    PathNode nodes[PATH_NODES_MAX];
    char text[PATH_TEXT_MAX];
} PathTable;

/* ---- path_table.c: in the parent, with the GIL held ------------------------------ */

PyTypeObject *path_table_type(PyObject *module);
PyObject *path_table_new(PyTypeObject *type);
/* NULL, with an exception, if it is none. */
PathTable *path_table_of(PyObject *object, PyTypeObject *type);

#endif
