/* Iterates over the objects on the collector's lists. For walks in a child, and for
 * lookup.c in the process itself, which holds the GIL meanwhile.
 */
#ifndef OPS_WALKER_GC_LISTS_H
#define OPS_WALKER_GC_LISTS_H

#include "walker.h"

typedef struct {
    PyInterpreterState *interp;
    const Located *at;
    PyGC_Head *node; /* the latest object, or the head of the list */
    int number;      /* of the list */
} GcLists;

static inline GcLists
gc_lists_open(PyInterpreterState *interp, const Located *at)
{
    return (GcLists){interp, at, layout_gc_list(interp, at, 0), 0};
}

/* The next object; NULL at the end. */
static inline PyObject *
gc_lists_step(GcLists *lists)
{
    while (lists->number < LAYOUT_GC_LISTS) {
        lists->node = layout_gc_next(lists->node);
        if (lists->node != NULL &&
            lists->node != layout_gc_list(lists->interp, lists->at, lists->number))
            return layout_gc_object(lists->node);
        if (++lists->number < LAYOUT_GC_LISTS)
            lists->node = layout_gc_list(lists->interp, lists->at, lists->number);
    }
    return NULL;
}

#endif
