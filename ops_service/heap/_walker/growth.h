/* sink_growth.c, walk_growth.c and emit_growth.c: counts and sizes by path, for growth
 * reports. path_strings.c and path_trie.c number the paths.
 */
#ifndef OPS_WALKER_GROWTH_H
#define OPS_WALKER_GROWTH_H

#include "path_table.h"
#include "queue.h"
#include "types.h"

/* Memory that an object has besides its own; its type determines the kind. */
typedef enum { BUFFER_NONE, BUFFER_BYTES, BUFFER_TEXT } BufferKind;

typedef struct {
    uint32_t parent;
    uint32_t label;
    uint32_t type;
    uint32_t node;
} PathPlace;

#define GROWTH_RECENT 1024u
/* Entries taken from the queue ahead of their turn, so that their references are
 * prefetched. A power of two. */
#define GROWTH_AHEAD 16u

typedef struct {
    uintptr_t entry;
    uint32_t node;
} GrowthEntry;

/* State of one child, besides the table. */
typedef struct {
    PathTable *table;
    uint32_t *places; /* nodes by their parent, label and type */
    size_t place_capacity;
    PathPlace *aliases; /* paths that are counted at an ancestor */
    size_t alias_capacity;
    size_t alias_count;
    uint32_t *string_places;
    size_t string_capacity;
    PathSums *sums;
    uint32_t *sites; /* number of the string of the newest object's site, or 0 */
    uint32_t *named; /* number of children with a name of their own, by node */
    uint32_t sums_capacity;
    uint32_t *names; /* number of a name in this walk -> number of the string */
    uint32_t names_capacity;
    uint32_t frame_type;
    uint32_t thread_type;
    uint32_t local_type;
    uint32_t dict_label;
    uint32_t at; /* the node whose objects are being read */
    PathPlace *recent; /* places found last, by hash */
    uint32_t found;    /* the node looked up last, and the one before the last jump */
    uint32_t found_before;
    uint32_t string_found; /* the same for strings */
    uint32_t string_before;
    Queue nodes; /* nodes of the entries in the walk's queue */
    GrowthEntry ahead[GROWTH_AHEAD];
    uint32_t ahead_taken; /* entries taken from the queue in all */
    uint32_t ahead_read;
    Queue own;
    uint64_t past_bound; /* objects counted at PATH_OTHER */
    uint64_t large_size; /* bytes of objects that malloc serves */
    uint64_t own_large_size;
} Growth;

void growth_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag);
void growth_walk(Walk *walk);
/* Writes the changes since the previous sample, and records the new sums in the table. */
void growth_emit(Walk *walk);

/* ---- path_strings.c ---------------------------------------------------------------- */

void path_strings_open(Walk *walk);
uint32_t path_string(Walk *walk, const char *text, size_t length);
/* Called when the walk first finds a name, or a type. */
void path_name(Walk *walk, uint32_t number, const char *text, size_t length);
void path_type(Walk *walk, TypeEntry *entry);

/* ---- path_trie.c ------------------------------------------------------------------- */

void path_trie_open(Walk *walk);
uint32_t path_child(Walk *walk, uint32_t parent, uint32_t label, uint32_t type);

#endif
