/* sink_growth.c, walk_growth.c and emit_growth.c: counts and sizes by path, for growth
 * reports. path_strings.c and path_trie.c number the paths.
 */
#ifndef OPS_WALKER_GROWTH_H
#define OPS_WALKER_GROWTH_H

#include "path_table.h"
#include "queue.h"
#include "types.h"

/* What else than its own memory an object has, which its type tells. */
typedef enum { BUFFER_NONE, BUFFER_BYTES, BUFFER_TEXT } BufferKind;

typedef struct {
    uint32_t parent;
    uint32_t label;
    uint32_t type;
    uint32_t node;
} PathPlace;

#define GROWTH_RECENT 1024u
/* Entries that are taken from the queue before their turn, so that what they refer to
 * is fetched from memory meanwhile. A power of two. */
#define GROWTH_AHEAD 16u

typedef struct {
    uintptr_t entry;
    uint32_t node;
} GrowthEntry;

/* What one child knows beside the table. */
typedef struct {
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
    GrowthEntry ahead[GROWTH_AHEAD];
    uint32_t ahead_taken; /* so many of them in all, from the queue */
    uint32_t ahead_read;
    Queue own;
    uint64_t past_bound; /* objects counted at PATH_OTHER */
    uint64_t large_size; /* bytes of objects that malloc serves */
    uint64_t own_large_size;
} Growth;

void growth_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag);
void growth_walk(Walk *walk);
/* Writes what has changed since the sample before, and makes it what is known. */
void growth_emit(Walk *walk);

/* ---- path_strings.c ---------------------------------------------------------------- */

void path_strings_open(Walk *walk);
uint32_t path_string(Walk *walk, const char *text, size_t length);
/* Called when the walk meets a name, or a type, for the first time. */
void path_name(Walk *walk, uint32_t number, const char *text, size_t length);
void path_type(Walk *walk, TypeEntry *entry);

/* ---- path_trie.c ------------------------------------------------------------------- */

void path_trie_open(Walk *walk);
uint32_t path_child(Walk *walk, uint32_t parent, uint32_t label, uint32_t type);

#endif
