/* The table of folded paths: a trie whose nodes keep their numbers across the samples of
 * a process, so a sample only needs to report changes.
 *
 * Keys hold numbers of strings, not addresses, because types and names come and go. Each
 * child has its own hash tables, rebuilt from the table.
 */
#include "growth.h"
#include "memory.h"
#include "walk.h"

/* Past this many names, further attributes of one object share one node. */
#define NAMED_CHILDREN_MAX 1024
/* The same for modules: the limit is twice the number of modules at the first sample,
 * and at least this. */
#define NAMED_MODULES_MIN 4096u
#define ANCESTORS 24

static uint64_t
mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

static size_t
node_hash(uint32_t parent, uint32_t label, uint32_t type)
{
    return (size_t)(mix(mix((uint64_t)parent << 32 | label, type), 1) >> 16);
}

static uint32_t *
node_place(const Growth *growth, uint32_t parent, uint32_t label, uint32_t type)
{
    size_t i = node_hash(parent, label, type) & (growth->place_capacity - 1);
    for (;; i = (i + 1) & (growth->place_capacity - 1)) {
        uint32_t number = growth->places[i];
        const PathNode *node = &growth->table->nodes[number];
        if (number == 0 ||
            (node->parent == parent && node->label == label && node->type == type))
            return &growth->places[i];
    }
}

static PathPlace *
alias_place(const Growth *growth, uint32_t parent, uint32_t label, uint32_t type)
{
    size_t i = node_hash(parent, label, type) & (growth->alias_capacity - 1);
    for (;; i = (i + 1) & (growth->alias_capacity - 1)) {
        PathPlace *alias = &growth->aliases[i];
        if (alias->node == 0 ||
            (alias->parent == parent && alias->label == label && alias->type == type))
            return alias;
    }
}

/* 0 if there is none. */
static uint32_t
node_find(const Growth *growth, uint32_t parent, uint32_t label, uint32_t type)
{
    uint32_t node = *node_place(growth, parent, label, type);
    return node != 0 ? node : alias_place(growth, parent, label, type)->node;
}

/* Rebuilds the hash table from the keys in the table; needs nothing of the old one. */
static void
nodes_index(Walk *walk)
{
    Growth *growth = &walk->growth;
    const PathTable *table = growth->table;
    size_t capacity = growth->place_capacity != 0 ? growth->place_capacity : 1u << 14;
    if (growth->places != NULL)
        memory_unmap(walk, growth->places, capacity * sizeof(uint32_t));
    while (capacity * 2 < (size_t)table->node_count * 3 + 8)
        capacity *= 2;
    growth->place_capacity = capacity;
    growth->places = memory_map(walk, capacity * sizeof(uint32_t));
    for (uint32_t i = PATH_FIRST; i < table->node_count; i++) {
        const PathNode *node = &table->nodes[i];
        *node_place(growth, node->parent, node->label, node->type) = i;
    }
}

static void
alias_add(Walk *walk, PathPlace alias)
{
    Growth *growth = &walk->growth;
    if (++growth->alias_count * 2 >= growth->alias_capacity) {
        PathPlace *old = growth->aliases;
        size_t capacity = growth->alias_capacity;
        growth->alias_capacity = capacity * 2;
        growth->aliases = memory_map(walk, growth->alias_capacity * sizeof(PathPlace));
        for (size_t i = 0; i < capacity; i++)
            if (old[i].node != 0)
                *alias_place(growth, old[i].parent, old[i].label, old[i].type) = old[i];
        memory_unmap(walk, old, capacity * sizeof(PathPlace));
    }
    *alias_place(growth, alias.parent, alias.label, alias.type) = alias;
}

static void
sums_grow(Walk *walk)
{
    Growth *growth = &walk->growth;
    size_t capacity = growth->sums_capacity;
    growth->sums = memory_grow(walk, growth->sums, capacity * sizeof(PathSums),
                              capacity * 2 * sizeof(PathSums));
    growth->named = memory_grow(walk, growth->named, capacity * sizeof(uint32_t),
                               capacity * 2 * sizeof(uint32_t));
    growth->sites = memory_grow(walk, growth->sites, capacity * sizeof(uint32_t),
                               capacity * 2 * sizeof(uint32_t));
    growth->sums_capacity = (uint32_t)capacity * 2;
}

/* The ancestor that a level of a repeating structure repeats, or 0. Otherwise linked
 * nodes or a tree would add a node for each level. */
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
        /* One period lies between the two nodes; is the period before it the same? */
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
has_names_enough(const Growth *growth, uint32_t parent)
{
    if (parent == PATH_MODULES || parent == PATH_OTHERS) {
        uint32_t most = 2 * growth->table->modules_at_first;
        return growth->table->sample_count > 0 &&
               growth->named[parent] >= (most > NAMED_MODULES_MIN ? most : NAMED_MODULES_MIN);
    }
    return parent >= PATH_FIRST && growth->named[parent] >= NAMED_CHILDREN_MAX;
}

static int
node_is(const PathTable *table, uint32_t number, uint32_t parent, uint32_t label, uint32_t type)
{
    const PathNode *node = &table->nodes[number];
    return number < table->node_count && node->parent == parent && node->label == label &&
           node->type == type;
}

/* Walks of one process visit its nodes in nearly the same order, which is the order of
 * their numbers. Tries the node after the last one, then the node after the one before
 * the last jump. 0 if neither matches. */
static uint32_t
node_guess(Growth *growth, uint32_t parent, uint32_t label, uint32_t type)
{
    const PathTable *table = growth->table;
    uint32_t guess = growth->found + 1;
    if (node_is(table, guess, parent, label, type))
        return growth->found = guess;
    guess = growth->found_before + 1;
    if (!node_is(table, guess, parent, label, type))
        return 0;
    growth->found_before = growth->found;
    return growth->found = guess;
}

uint32_t
path_child(Walk *walk, uint32_t parent, uint32_t label, uint32_t type)
{
    Growth *growth = &walk->growth;
    PathTable *table = growth->table;
    if (parent == PATH_OWN || parent == PATH_OTHER)
        return parent;
    uint32_t guess = node_guess(growth, parent, label, type);
    if (guess != 0)
        return guess;
    if (label >> 4 != 0 && has_names_enough(growth, parent) &&
        node_find(growth, parent, label, type) == 0)
        label &= 15;
    uint32_t node = node_find(growth, parent, label, type);
    if (node != 0) {
        growth->found_before = growth->found;
        growth->found = node;
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
    if ((size_t)node * 3 >= growth->place_capacity * 2)
        nodes_index(walk);
    *node_place(growth, parent, label, type) = node;
    table->nodes[node] = (PathNode){.parent = parent, .label = label, .type = type};
    __atomic_store_n(&table->node_count, node + 1, __ATOMIC_RELEASE);
    if (node >= growth->sums_capacity)
        sums_grow(walk);
    if (label >> 4 != 0)
        growth->named[parent]++;
    return node;
}

void
path_trie_open(Walk *walk)
{
    Growth *growth = &walk->growth;
    PathTable *table = growth->table;
    if (table->node_count == 0)
        table->node_count = PATH_FIRST;
    nodes_index(walk);
    growth->alias_capacity = 1u << 8;
    growth->aliases = memory_map(walk, growth->alias_capacity * sizeof(PathPlace));
    size_t capacity = 1u << 14;
    while (capacity < table->node_count)
        capacity *= 2;
    growth->sums_capacity = (uint32_t)capacity;
    growth->sums = memory_map(walk, capacity * sizeof(PathSums));
    growth->named = memory_map(walk, capacity * sizeof(uint32_t));
    growth->sites = memory_map(walk, capacity * sizeof(uint32_t));
    for (uint32_t i = PATH_FIRST; i < table->node_count; i++)
        if (table->nodes[i].label >> 4 != 0)
            growth->named[table->nodes[i].parent]++;
}
