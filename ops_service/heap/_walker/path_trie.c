/* The table of folded paths: a trie whose nodes keep their numbers from one sample
 * of a process to the next, so that a sample need only tell what has changed.
 *
 * Keys hold numbers of strings and no addresses, since types and names come and
 * go. Places in hash tables are each child's own, and made anew from the table.
 */
#include "walker.h"

#include <string.h>

#define STRING_LENGTH_MAX 512
/* Past so many names, further attributes of one object are folded into one. */
#define NAMED_CHILDREN_MAX 1024
/* The same for modules, of which many are named: as many again as there were at first. */
#define NAMED_MODULES_MIN 4096u
#define ANCESTORS 24

static uint64_t
mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

/* ---- strings ------------------------------------------------------------------ */

static uint64_t
hash_text(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 31);
}

static uint32_t *
string_place(const Paths *paths, const char *text, size_t length)
{
    const PathTable *table = paths->table;
    size_t i = (size_t)hash_text(text, length) & (paths->string_capacity - 1);
    for (;; i = (i + 1) & (paths->string_capacity - 1)) {
        uint32_t number = paths->string_places[i];
        if (number == 0)
            return &paths->string_places[i];
        const PathString *string = &table->strings[number];
        if (string->length == length && memcmp(table->text + string->offset, text, length) == 0)
            return &paths->string_places[i];
    }
}

static int
string_is(const PathTable *table, uint32_t number, const char *text, size_t length)
{
    const PathString *string = &table->strings[number];
    return number < table->string_count && string->length == length &&
           memcmp(table->text + string->offset, text, length) == 0;
}

/* As node_guess() does. */
static uint32_t
string_guess(Paths *paths, const char *text, size_t length)
{
    uint32_t guess = paths->string_found + 1;
    if (string_is(paths->table, guess, text, length))
        return paths->string_found = guess;
    guess = paths->string_before + 1;
    if (!string_is(paths->table, guess, text, length))
        return 0;
    paths->string_before = paths->string_found;
    return paths->string_found = guess;
}

static void
strings_index(Walk *walk, size_t capacity)
{
    Paths *paths = walk->paths;
    if (paths->string_places != NULL)
        memory_unmap(walk, paths->string_places, paths->string_capacity * sizeof(uint32_t));
    paths->string_capacity = capacity;
    paths->string_places = memory_map(walk, capacity * sizeof(uint32_t));
    const PathTable *table = paths->table;
    for (uint32_t i = PATH_STRING_OTHER; i < table->string_count; i++)
        *string_place(paths, table->text + table->strings[i].offset, table->strings[i].length) = i;
}

uint32_t
trie_string(Walk *walk, const char *text, size_t length)
{
    Paths *paths = walk->paths;
    PathTable *table = paths->table;
    if (length > STRING_LENGTH_MAX) {
        length = STRING_LENGTH_MAX;
        /* Not in the middle of a character. */
        while (length > 0 && ((uint8_t)text[length] & 0xC0) == 0x80)
            length--;
    }
    uint32_t guess = string_guess(paths, text, length);
    if (guess != 0)
        return guess;
    uint32_t *place = string_place(paths, text, length);
    if (*place != 0) {
        paths->string_before = paths->string_found;
        return paths->string_found = *place;
    }
    uint32_t number = table->string_count;
    if (number >= PATH_STRINGS_MAX || PATH_TEXT_MAX - table->text_used < length)
        return PATH_STRING_OTHER;
    memcpy(table->text + table->text_used, text, length);
    table->strings[number] = (PathString){table->text_used, (uint16_t)length, 0};
    table->text_used += (uint32_t)length;
    __atomic_store_n(&table->string_count, number + 1, __ATOMIC_RELEASE);
    *place = number;
    if ((size_t)table->string_count * 2 >= paths->string_capacity)
        strings_index(walk, paths->string_capacity * 2);
    return number;
}

void
path_name(Walk *walk, uint32_t number, const char *text, size_t length)
{
    Paths *paths = walk->paths;
    if (number >= paths->names_capacity) {
        uint32_t capacity = paths->names_capacity * 2;
        uint32_t *names = memory_map(walk, capacity * sizeof(uint32_t));
        memcpy(names, paths->names, paths->names_capacity * sizeof(uint32_t));
        memory_unmap(walk, paths->names, paths->names_capacity * sizeof(uint32_t));
        paths->names = names;
        paths->names_capacity = capacity;
    }
    paths->names[number] = trie_string(walk, text, length);
}

/* ---- nodes -------------------------------------------------------------------- */

static size_t
node_hash(uint32_t parent, uint32_t label, uint32_t type)
{
    return (size_t)(mix(mix((uint64_t)parent << 32 | label, type), 1) >> 16);
}

static uint32_t *
node_place(const Paths *paths, uint32_t parent, uint32_t label, uint32_t type)
{
    size_t i = node_hash(parent, label, type) & (paths->place_capacity - 1);
    for (;; i = (i + 1) & (paths->place_capacity - 1)) {
        uint32_t number = paths->places[i];
        const PathNode *node = &paths->table->nodes[number];
        if (number == 0 ||
            (node->parent == parent && node->label == label && node->type == type))
            return &paths->places[i];
    }
}

static PathPlace *
alias_place(const Paths *paths, uint32_t parent, uint32_t label, uint32_t type)
{
    size_t i = node_hash(parent, label, type) & (paths->alias_capacity - 1);
    for (;; i = (i + 1) & (paths->alias_capacity - 1)) {
        PathPlace *alias = &paths->aliases[i];
        if (alias->node == 0 ||
            (alias->parent == parent && alias->label == label && alias->type == type))
            return alias;
    }
}

/* 0 if there is none. */
static uint32_t
node_find(const Paths *paths, uint32_t parent, uint32_t label, uint32_t type)
{
    uint32_t node = *node_place(paths, parent, label, type);
    return node != 0 ? node : alias_place(paths, parent, label, type)->node;
}

/* Makes the places anew: keys stand in the table, so that nothing of the old ones
 * is needed. */
static void
nodes_index(Walk *walk)
{
    Paths *paths = walk->paths;
    const PathTable *table = paths->table;
    size_t capacity = paths->place_capacity != 0 ? paths->place_capacity : 1u << 14;
    if (paths->places != NULL)
        memory_unmap(walk, paths->places, capacity * sizeof(uint32_t));
    while (capacity * 2 < (size_t)table->node_count * 3 + 8)
        capacity *= 2;
    paths->place_capacity = capacity;
    paths->places = memory_map(walk, capacity * sizeof(uint32_t));
    for (uint32_t i = PATH_FIRST; i < table->node_count; i++) {
        const PathNode *node = &table->nodes[i];
        *node_place(paths, node->parent, node->label, node->type) = i;
    }
}

static void
alias_add(Walk *walk, PathPlace alias)
{
    Paths *paths = walk->paths;
    if (++paths->alias_count * 2 >= paths->alias_capacity) {
        PathPlace *old = paths->aliases;
        size_t capacity = paths->alias_capacity;
        paths->alias_capacity = capacity * 2;
        paths->aliases = memory_map(walk, paths->alias_capacity * sizeof(PathPlace));
        for (size_t i = 0; i < capacity; i++)
            if (old[i].node != 0)
                *alias_place(paths, old[i].parent, old[i].label, old[i].type) = old[i];
        memory_unmap(walk, old, capacity * sizeof(PathPlace));
    }
    *alias_place(paths, alias.parent, alias.label, alias.type) = alias;
}

static void
sums_grow(Walk *walk)
{
    Paths *paths = walk->paths;
    size_t capacity = paths->sums_capacity;
    paths->sums = memory_grow(walk, paths->sums, capacity * sizeof(PathSums),
                              capacity * 2 * sizeof(PathSums));
    paths->named = memory_grow(walk, paths->named, capacity * sizeof(uint32_t),
                               capacity * 2 * sizeof(uint32_t));
    paths->sites = memory_grow(walk, paths->sites, capacity * sizeof(uint32_t),
                               capacity * 2 * sizeof(uint32_t));
    paths->sums_capacity = (uint32_t)capacity * 2;
}

/* A structure that repeats itself, such as a list of linked nodes or a tree, would
 * make a node for each level. The ancestor that such a level repeats, or 0. */
static uint32_t
repeated(const PathTable *table, uint32_t parent, uint32_t label, uint32_t type)
{
    uint32_t chain[ANCESTORS];
    int depth = 0;
    for (uint32_t node = parent; node >= PATH_FIRST && depth < ANCESTORS;
         node = table->nodes[node].parent)
        chain[depth++] = node;
    int alike = 0;
    uint32_t nearest = 0;
    for (int i = 0; i < depth; i++) {
        const PathNode *node = &table->nodes[chain[i]];
        if (node->label != label || node->type != type)
            continue;
        if (nearest == 0)
            nearest = chain[i];
        alike++;
        /* One period from here to there; is the one before it the same? */
        int period = i + 1;
        int same = 2 * period <= depth;
        for (int j = 0; same && j < period; j++) {
            const PathNode *far = &table->nodes[chain[period + j]];
            const PathNode *near = &table->nodes[chain[j]];
            same = far->label == near->label && far->type == near->type;
        }
        if (same)
            return chain[i];
    }
    return alike >= 3 ? nearest : 0;
}

static int
has_names_enough(const Paths *paths, uint32_t parent)
{
    if (parent == PATH_MODULES) {
        uint32_t most = 2 * paths->table->modules_at_first;
        return paths->table->sample_count > 0 &&
               paths->named[parent] >= (most > NAMED_MODULES_MIN ? most : NAMED_MODULES_MIN);
    }
    return parent >= PATH_FIRST && paths->named[parent] >= NAMED_CHILDREN_MAX;
}

static int
node_is(const PathTable *table, uint32_t number, uint32_t parent, uint32_t label, uint32_t type)
{
    const PathNode *node = &table->nodes[number];
    return number < table->node_count && node->parent == parent && node->label == label &&
           node->type == type;
}

/* Walks of one process come by its nodes in much the same order, and numbers were given
 * in it: the node after the last one, or after the one that the walk had come to when it
 * turned aside. 0 if it is neither. */
static uint32_t
node_guess(Paths *paths, uint32_t parent, uint32_t label, uint32_t type)
{
    const PathTable *table = paths->table;
    uint32_t guess = paths->found + 1;
    if (node_is(table, guess, parent, label, type))
        return paths->found = guess;
    guess = paths->found_before + 1;
    if (!node_is(table, guess, parent, label, type))
        return 0;
    paths->found_before = paths->found;
    return paths->found = guess;
}

uint32_t
trie_child(Walk *walk, uint32_t parent, uint32_t label, uint32_t type)
{
    Paths *paths = walk->paths;
    PathTable *table = paths->table;
    if (parent == PATH_OWN || parent == PATH_OTHER)
        return parent;
    uint32_t guess = node_guess(paths, parent, label, type);
    if (guess != 0)
        return guess;
    if (label >> 4 != 0 && has_names_enough(paths, parent) &&
        node_find(paths, parent, label, type) == 0)
        label &= 15;
    uint32_t node = node_find(paths, parent, label, type);
    if (node != 0) {
        paths->found_before = paths->found;
        paths->found = node;
        return node;
    }
    node = repeated(table, parent, label, type);
    if (node != 0) {
        alias_add(walk, (PathPlace){parent, label, type, node});
        return node;
    }
    node = table->node_count;
    if (node >= PATH_NODES_MAX)
        return PATH_OTHER;
    if ((size_t)node * 3 >= paths->place_capacity * 2)
        nodes_index(walk);
    *node_place(paths, parent, label, type) = node;
    table->nodes[node] = (PathNode){.parent = parent, .label = label, .type = type};
    __atomic_store_n(&table->node_count, node + 1, __ATOMIC_RELEASE);
    if (node >= paths->sums_capacity)
        sums_grow(walk);
    if (label >> 4 != 0)
        paths->named[parent]++;
    return node;
}

void
trie_open(Walk *walk)
{
    Paths *paths = walk->paths;
    PathTable *table = paths->table;
    if (table->node_count == 0) {
        table->string_count = PATH_STRING_OTHER;
        table->node_count = PATH_FIRST;
    }
    paths->names_capacity = 1u << 13;
    paths->names = memory_map(walk, paths->names_capacity * sizeof(uint32_t));
    size_t capacity = 1u << 12;
    while (capacity < (size_t)table->string_count * 2)
        capacity *= 2;
    strings_index(walk, capacity);
    trie_string(walk, "\xe2\x80\xa6", 3);
    nodes_index(walk);
    paths->alias_capacity = 1u << 8;
    paths->aliases = memory_map(walk, paths->alias_capacity * sizeof(PathPlace));
    capacity = 1u << 14;
    while (capacity < table->node_count)
        capacity *= 2;
    paths->sums_capacity = (uint32_t)capacity;
    paths->sums = memory_map(walk, capacity * sizeof(PathSums));
    paths->named = memory_map(walk, capacity * sizeof(uint32_t));
    paths->sites = memory_map(walk, capacity * sizeof(uint32_t));
    for (uint32_t i = PATH_FIRST; i < table->node_count; i++)
        if (table->nodes[i].label >> 4 != 0)
            paths->named[table->nodes[i].parent]++;
    paths->frame_type = trie_string(walk, "frame", 5);
    paths->thread_type = trie_string(walk, "thread", 6);
    paths->local_type = trie_string(walk, "_thread._local", 14);
}
