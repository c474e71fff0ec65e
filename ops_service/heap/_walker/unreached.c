/* What no root reaches, in walks that mark what they saw: is it held by C code, or
 * does it only hold itself? The references that such objects hold to each other are
 * counted, as the collector does; what has more than these is held from outside.
 */
#include "walker.h"

static int
visit_count(PyObject *target, void *argument)
{
    Walk *walk = argument;
    if (target == NULL || !PyObject_IS_GC(target) || visited_is_marked(walk, &walk->visited, target))
        return 0;
    Region *region = visited_region(walk, &walk->visited, target);
    uint32_t *counts = region->indexes != NULL ? region->indexes : visited_indexes(walk, region);
    counts[visited_granule(target)]++;
    return 0;
}

void
unreached_count(Walk *walk)
{
    gc_lists_begin(walk);
    if (sigsetjmp(walk->resume, 0) != 0)
        phase_is(walk, PHASE_NONE);
    PyObject *object;
    while ((object = gc_lists_next(walk)) != NULL) {
        if (visited_is_marked(walk, &walk->visited, object))
            continue;
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
    Region *region = visited_region(walk, &walk->visited, object);
    uint32_t inside = region->indexes == NULL ? 0 : region->indexes[visited_granule(object)];
    return Py_REFCNT(object) > (Py_ssize_t)inside;
}
