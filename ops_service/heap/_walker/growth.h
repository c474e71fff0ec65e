/* walk_growth.c, path_trie.c and emit_growth.c: counts and sizes by path, for growth reports. */
#ifndef OPS_WALKER_PATHS_H
#define OPS_WALKER_PATHS_H

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

typedef struct {
    uint32_t parent;
    uint32_t label;
    uint32_t type;
    uint32_t node;
} PathPlace;

#define PATHS_RECENT 1024u
/* Entries that are taken from the queue before their turn, so that what they refer to
 * is fetched from memory meanwhile. A power of two. */
#define PATHS_AHEAD 16u

typedef struct {
    uintptr_t entry;
    uint32_t node;
} PathEntry;

/* What one child knows beside the table. */
typedef struct Paths {
    PathTable *table;
    uint32_t *places; /* nodes by their parent, label and type */
    size_t place_capacity;
    PathPlace *aliases; /* what is counted at an ancestor instead */
    size_t alias_capacity;
    size_t alias_count;
    uint32_t *string_places;
    size_t string_capacity;
    PathSums *sums;
    uint32_t *sites; /* number of the string of where the newest was allocated, or 0 */
    uint32_t *named; /* children of a node that have names of their own */
    uint32_t sums_capacity;
    uint32_t *names; /* number of a name in this walk -> number of the string */
    uint32_t names_capacity;
    uint32_t frame_type;
    uint32_t thread_type;
    uint32_t local_type;
    uint32_t dict_label;
    uint32_t at; /* the node whose objects are being read */
    PathPlace *recent; /* places found last, by their hash */
    uint32_t found;    /* the node looked up last, and the one before a jump to it */
    uint32_t found_before;
    uint32_t string_found; /* the same of strings */
    uint32_t string_before;
    Queue nodes; /* of what waits in the walk's queue */
    PathEntry ahead[PATHS_AHEAD];
    uint32_t ahead_taken; /* so many of them in all, from the queue */
    uint32_t ahead_read;
    Queue own;
    uint64_t past_bound; /* objects counted at PATH_OTHER */
    uint64_t large_size; /* bytes of objects that malloc serves */
    uint64_t own_large_size;
} Paths;

void trie_open(Walk *walk);
uint32_t trie_string(Walk *walk, const char *text, size_t length);
uint32_t trie_child(Walk *walk, uint32_t parent, uint32_t label, uint32_t type);
void trie_emit(Walk *walk);

/* Called when the walk meets a name, or a type, for the first time. */
void path_name(Walk *walk, uint32_t number, const char *text, size_t length);
void path_type(Walk *walk, TypeEntry *entry);
void path_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag);
void path_walk(Walk *walk);

/* ---- path_table.c: in the parent, with the GIL held ------------------------------ */

PyTypeObject *path_table_type(void);
PyObject *path_table_new(PyTypeObject *type);
/* NULL, with an exception, if it is none. */
PathTable *path_table_of(PyObject *object, PyTypeObject *type);

#endif
