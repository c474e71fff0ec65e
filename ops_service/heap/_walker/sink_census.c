/* Handles references in a census. A new object is counted with its type, and is queued if
 * it refers to others. One bit per object records whether it was seen.
 */
#include "census.h"
#include "sizes.h"
#include "walk.h"

void
census_edge(Walk *walk, PyObject *target)
{
    if (!visited_mark(walk, &walk->visited, target, 1))
        return;
    TypeEntry *reading = walk->reading;
    reading_is(walk, walk->types.unreadable);
    TypeEntry *entry = type_entry(walk, Py_TYPE(target));
    int own = walk->own || entry->own;
    entry->census.count[own]++;
    walk->census.objects++;
    reading_is(walk, entry);
    Size size = size_of(walk->settings, target, entry);
    entry->census.total_size[own] += size.counted;
    entry->census.extra_size[own] += size.extra;
    reading_is(walk, reading);
    if (entry->shape != SHAPE_LEAF)
        queue_push(walk, &walk->queue, (uintptr_t)target);
}
