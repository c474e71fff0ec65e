/* Sorts objects that no root reaches: C code holds them, or they only hold each
 * other. The walk counts the references among these objects, as the collector does.
 * An object with more references than that is held from outside.
 *
 * The counts are stored in place of the objects' indexes. In a snapshot, where
 * objects have indexes, counts are above all assigned indexes, and are removed at the
 * end.
 */
#include "unreached.h"

#include "bounds.h"
#include "own.h"
#include "roots.h"

/* Whether a root reaches an object. */
static int
is_reached(Walk *walk, const Region *region, const void *object)
{
    uint32_t granule = visited_granule(object);
    if (walk->counts_above == 0)
        return region->bits != NULL && (region->bits[granule >> 6] >> (granule & 63) & 1);
    uint32_t place = region->indexes == NULL ? 0 : region->indexes[granule];
    return place != 0 && place <= walk->counts_above;
}

static int
visit_count(PyObject *target, void *argument)
{
    Walk *walk = argument;
    if (target == NULL || !layout_is_gc(target))
        return 0;
    Region *region = visited_region(walk, &walk->visited, target);
    if (is_reached(walk, region, target))
        return 0;
    uint32_t *counts = region->indexes != NULL ? region->indexes : visited_indexes(walk, region);
    uint32_t *count = &counts[visited_granule(target)];
    if (*count == 0)
        *count = walk->counts_above;
    if (*count < INDEX_CUT - 1)
        ++*count;
    region->counted = 1;
    return 0;
}

void
unreached_count(Walk *walk, uint64_t last_index, Queue *found)
{
    walk->counts_above = (uint32_t)last_index;
    gc_lists_begin(walk);
    if (sigsetjmp(walk->resume, 0) != 0)
        phase_is(walk, PHASE_NONE);
    PyObject *object;
    while ((object = gc_lists_next(walk)) != NULL) {
        bounds_tick(walk);
        if (is_reached(walk, visited_region(walk, &walk->visited, object), object))
            continue;
        if (found != NULL)
            queue_push(walk, found, (uintptr_t)object | (uintptr_t)gc_lists_frozen(walk));
        TypeEntry *entry = type_entry(walk, Py_TYPE(object));
        if (entry->opaque || entry->type->tp_traverse == NULL)
            continue;
        reading_is(walk, entry);
        phase_is(walk, PHASE_MARK);
        entry->type->tp_traverse(object, visit_count, walk);
        phase_is(walk, PHASE_NONE);
    }
}

int
unreached_is_held_by_c(Walk *walk, PyObject *object)
{
    const Region *region = visited_region(walk, &walk->visited, object);
    uint32_t place = region->indexes == NULL ? 0 : region->indexes[visited_granule(object)];
    Py_ssize_t inside = place == 0 ? 0 : (Py_ssize_t)(place - walk->counts_above);
    /* References to immortal objects are not counted. */
    return !layout_is_immortal(object) && Py_REFCNT(object) > inside;
}

/* Clears the counts, so that the indexes have room again. */
static void
forget_counts(Walk *walk)
{
    const Visited *visited = &walk->visited;
    for (size_t i = 0; i < visited->capacity; i++) {
        const Region *region = &visited->slots[i];
        if (!region->counted)
            continue;
        for (uint32_t j = 0; j < REGION_GRANULES; j++)
            if (region->indexes[j] > walk->counts_above && region->indexes[j] < INDEX_CUT)
                region->indexes[j] = 0;
    }
}

int
unreached_sort(Walk *walk)
{
    Snapshot *snapshot = &walk->snapshot;
    Queue unreached;
    uintptr_t entry;
    int found = 0;
    queue_open(walk, &unreached);
    queue_open(walk, &snapshot->held_by_c);
    queue_open(walk, &snapshot->garbage);
    unreached_count(walk, snapshot->next_object, &unreached);
    while ((entry = queue_pop(walk, &unreached)) != 0) {
        PyObject *object = (PyObject *)(entry & ~(uintptr_t)1);
        int held = unreached_is_held_by_c(walk, object);
        if (held)
            queue_push(walk, &snapshot->held_by_c, (uintptr_t)object |
                       (own_leads_from(walk, object) ? TAG_OWN : TAG_HELD_BY_C));
        else
            queue_push(walk, &snapshot->garbage, (uintptr_t)object);
        found |= held;
    }
    forget_counts(walk);
    return found;
}
