/* The table of folded paths: memory that the children of a process share.
 *
 * path_strings.c and path_trie.c extend it in a child; path_table.c owns it in the parent.
 */
#ifndef OPS_WALKER_PATH_TABLE_H
#define OPS_WALKER_PATH_TABLE_H

#include "walker.h"

/* Nodes for the starts of a walk, not for objects. */
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
    PATH_OTHERS = 9, /* other interpreters */
    PATH_FIRST = 16,
};

#define PATH_NODES_MAX (1u << 20)
#define PATH_STRINGS_MAX (1u << 18)
#define PATH_TEXT_MAX (12u << 20)
/* Replaces every string that no longer fits. */
#define PATH_STRING_OTHER 1u

typedef struct {
    uint64_t count;
    uint64_t size;
    uint64_t length; /* elements of the containers among them */
} PathSums;

/* One folded path: an edge from the parent node's objects to objects of a type. */
typedef struct {
    uint32_t parent;
    uint32_t label; /* number of the name << 4 | kind */
    uint32_t type;  /* number of the type's name */
    uint32_t told;  /* the parent process knows it */
    PathSums sums;  /* the sums that the parent process knows */
} PathNode;

typedef struct {
    uint32_t offset;
    uint16_t length;
    uint16_t told;
} PathString;

/* Paths that the children of one process have found. All children share it, and one at a
 * time extends it: a node and a string keep their numbers. */
typedef struct PathTable {
    volatile uint32_t node_count;
    volatile uint32_t string_count;
    volatile uint32_t text_used;
    volatile uint32_t sample_count;
    /* If a child is killed while this is set, the sums are unreliable. */
    volatile uint32_t committing;
    uint32_t modules_at_first; /* number of module names at the first sample */
    PathString strings[PATH_STRINGS_MAX];
    PathNode nodes[PATH_NODES_MAX];
    char text[PATH_TEXT_MAX];
} PathTable;

/* ---- path_table.c: in the parent, with the GIL held ------------------------------ */

PyTypeObject *path_table_type(PyObject *module);
PyObject *path_table_new(PyTypeObject *type);
/* NULL with an exception set if the object is not a PathTable. */
PathTable *path_table_of(PyObject *object, PyTypeObject *type);

#endif
