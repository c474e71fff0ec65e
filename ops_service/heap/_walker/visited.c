/* The set of objects that the walk has seen, in two levels: a region of the address
 * space, and an array with a place for each 16 bytes of it. Neighbours in memory
 * share cache lines, so it is about three times as fast as a hash table of
 * addresses.
 */
#include "visited.h"

#include "memory.h"
#include "walk.h"

#include <string.h>

#define FIRST_CAPACITY 512u

static Region *
place(Region *slots, size_t capacity, uintptr_t key)
{
    size_t i = visited_slot(key, capacity);
    while (slots[i].key != 0 && slots[i].key != key)
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

void
visited_open(Walk *walk, Visited *visited)
{
    visited->capacity = FIRST_CAPACITY;
    visited->used = 0;
    visited->slots = memory_map(walk, FIRST_CAPACITY * sizeof(Region));
    visited->last = &visited->slots[0];
}

static void
grow(Walk *walk, Visited *visited)
{
    size_t capacity = visited->capacity * 2;
    Region *slots = memory_map(walk, capacity * sizeof(Region));
    for (size_t i = 0; i < visited->capacity; i++)
        if (visited->slots[i].key != 0)
            *place(slots, capacity, visited->slots[i].key) = visited->slots[i];
    memory_unmap(walk, visited->slots, visited->capacity * sizeof(Region));
    visited->slots = slots;
    visited->capacity = capacity;
}

Region *
visited_find(Walk *walk, Visited *visited, uintptr_t key)
{
    Region *region = place(visited->slots, visited->capacity, key);
    if (region->key == 0) {
        if (visited->used * 2 >= visited->capacity) {
            grow(walk, visited);
            region = place(visited->slots, visited->capacity, key);
        }
        region->key = key;
        region->number = REGION_UNNUMBERED;
        visited->used++;
    }
    visited->last = region;
    return region;
}

void
visited_know_regions(Walk *walk)
{
    const RegionTable *known = walk->settings->regions;
    uint32_t count = known->count <= REGION_TABLE_SIZE ? known->count : REGION_TABLE_SIZE;
    for (uint32_t i = 0; i < count; i++)
        visited_find(walk, &walk->visited, known->keys[i])->number = i;
}

uint32_t *
visited_indexes(Walk *walk, Region *region)
{
    if (region->indexes == NULL)
        region->indexes = memory_map(walk, REGION_GRANULES * sizeof(uint32_t));
    return region->indexes;
}

uint64_t *
visited_bits(Walk *walk, Region *region)
{
    if (region->bits == NULL)
        region->bits = memory_piece(walk, REGION_GRANULES / 8);
    return region->bits;
}

uint32_t
visited_id(Walk *walk, const void *address)
{
    Region *region = visited_region(walk, &walk->visited, address);
    if (region->number == REGION_UNNUMBERED) {
        RegionTable *known = walk->settings->regions;
        if (known->count >= REGION_TABLE_SIZE) {
            walk->shared->unstable_ids++;
            return 0;
        }
        region->number = known->count;
        known->keys[known->count] = region->key;
        /* Store the count last: a child that is killed here leaves no partial
         * entry. */
        __atomic_store_n(&known->count, region->number + 1, __ATOMIC_RELEASE);
    }
    return (region->number << 14 | visited_granule(address)) << 1 | 1;
}
