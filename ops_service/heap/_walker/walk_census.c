/* The walk of a census: counts and bytes by type. The queue holds only objects that refer
 * to others.
 */
#include "bounds.h"
#include "census.h"
#include "edges.h"
#include "queue.h"
#include "roots.h"

static void
drain(Walk *walk)
{
    /* After a fault, skip the object's other references. */
    if (sigsetjmp(walk->resume, 0) != 0)
        phase_is(walk, PHASE_NONE);
    while ((walk->entry = queue_pop(walk, &walk->queue)) != 0) {
        uint32_t tag = (uint32_t)(walk->entry & TAG_MASK);
        uintptr_t address = walk->entry & ~(uintptr_t)TAG_MASK;
        if (tag == TAG_THREAD || tag == TAG_ROOT) {
            root_read(walk, address, tag);
            continue;
        }
        PyObject *object = (PyObject *)address;
        TypeEntry *entry = type_entry(walk, Py_TYPE(object));
        reading_is(walk, entry);
        phase_is(walk, PHASE_EDGES);
        edges_of(walk, object, entry);
        phase_is(walk, PHASE_NONE);
        bounds_tick(walk);
    }
}

void
census_walk(Walk *walk)
{
    type_unreadable(walk);
    roots_hold_back_own(walk, 1);
    roots_push(walk);
    roots_push_others(walk);
    drain(walk);
    roots_hold_back_own(walk, 0);
    walk->own = 1;
    roots_push_own(walk);
    drain(walk);
    walk->own = 0;
    gc_lists_begin(walk);
    PyObject *object;
    while ((object = gc_lists_next(walk)) != NULL) {
        census_edge(walk, object);
        drain(walk);
    }
    census_emit(walk);
    walk->shared->objects = walk->census.objects;
    walk->shared->types = walk->types.count;
}
