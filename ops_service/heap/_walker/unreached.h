/* unreached.c: objects that no root reaches. */
#ifndef OPS_WALKER_UNREACHED_H
#define OPS_WALKER_UNREACHED_H

#include "queue.h"

/* Counts references among objects that no root reaches: objects that are not marked or, in
 * a walk that assigns indexes, have none up to last_index. Appends these objects to a
 * queue, if given; the lowest bit is 1 if the object is frozen. */
void unreached_count(Walk *walk, uint64_t last_index, Queue *found);
/* Whether an object has more references than the counted ones. */
int unreached_is_held_by_c(Walk *walk, PyObject *object);
/* In a snapshot: fills held_by_c with the objects that C code holds, and garbage with all
 * other unreached objects. Returns whether there are any of the former. */
int unreached_sort(Walk *walk);

#endif
