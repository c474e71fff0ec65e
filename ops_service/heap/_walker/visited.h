/* visited.c: the set of objects that the walk has seen. */
#ifndef OPS_WALKER_VISITED_H
#define OPS_WALKER_VISITED_H

#include "walker.h"

#define REGION_SHIFT 18
#define REGION_GRANULES (1u << (REGION_SHIFT - 4))
#define REGION_TABLE_SIZE (1u << 17)

/* Regions that captures of this process have found, in order. An id is the number
 * of a region and a place in it, so ids are stable. All children share the table,
 * and one at a time extends it. */
typedef struct {
    volatile uint32_t count;
    uint32_t reserved;
    uintptr_t keys[REGION_TABLE_SIZE];
} RegionTable;

typedef struct {
    uintptr_t key;
    uint32_t number;
    uint32_t counted; /* some of the indexes are counts: see unreached.c */
    uint32_t *indexes;
    uint64_t *bits;
    uint64_t *wanted; /* keys whose content the output must show */
    uint64_t *namespaces; /* dicts whose keys are names */
} Region;

typedef struct {
    Region *slots;
    size_t capacity;
    size_t used;
    Region *last;
} Visited;

#define REGION_UNNUMBERED UINT32_MAX

/* In place of an index: a part of ops_service that is not read yet. */
#define INDEX_OWN UINT32_MAX
/* In place of an index: left out, because the snapshot was full when the object was
 * found. */
#define INDEX_CUT (UINT32_MAX - 1)

void visited_open(Walk *walk, Visited *visited);
/* Loads the numbers of the regions that earlier walks have found. For walks that
 * show ids. */
void visited_know_regions(Walk *walk);
Region *visited_find(Walk *walk, Visited *visited, uintptr_t key);

static inline size_t
visited_slot(uintptr_t key, size_t capacity)
{
    return (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (capacity - 1);
}

static inline Region *
visited_region(Walk *walk, Visited *visited, const void *address)
{
    uintptr_t key = (uintptr_t)address >> REGION_SHIFT;
    if (visited->last->key == key)
        return visited->last;
    Region *region = &visited->slots[visited_slot(key, visited->capacity)];
    if (region->key == key && key != 0)
        return visited->last = region;
    return visited_find(walk, visited, key);
}

static inline uint32_t
visited_granule(const void *address)
{
    /* Objects are at least 16 bytes long, so no two begin in one granule. */
    return (uint32_t)((uintptr_t)address >> 4) & (REGION_GRANULES - 1);
}

uint32_t *visited_indexes(Walk *walk, Region *region);
uint64_t *visited_bits(Walk *walk, Region *region);

/* Marks an object as seen, or as not seen. Returns whether it was not marked
 * before. */
static inline int
visited_mark(Walk *walk, Visited *visited, const void *object, int seen)
{
    Region *region = visited_region(walk, visited, object);
    uint64_t *bits = region->bits != NULL ? region->bits : visited_bits(walk, region);
    uint32_t granule = visited_granule(object);
    uint64_t bit = UINT64_C(1) << (granule & 63);
    int was = (bits[granule >> 6] & bit) != 0;
    bits[granule >> 6] = seen ? bits[granule >> 6] | bit : bits[granule >> 6] & ~bit;
    return !was;
}

static inline int
visited_is_marked(Walk *walk, Visited *visited, const void *object)
{
    Region *region = visited_region(walk, visited, object);
    uint32_t granule = visited_granule(object);
    return region->bits != NULL && (region->bits[granule >> 6] >> (granule & 63) & 1);
}

uint32_t visited_id(Walk *walk, const void *address);

#endif
