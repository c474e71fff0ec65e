/* unreached.c: what no root reaches. */
#ifndef OPS_WALKER_UNREACHED_H
#define OPS_WALKER_UNREACHED_H

#include "queue.h"

/* Counts references among objects that no root reaches: that are not marked or, in a walk
 * that gives indexes, have none up to the last one given. Puts these objects into a queue,
 * if there is one, with 1 for their lowest bit if they are frozen. */
void unreached_count(Walk *walk, uint64_t last_index, Queue *found);
/* Whether an object has more references than those. */
int unreached_is_held_by_c(Walk *walk, PyObject *object);
/* In a snapshot: has held_by_c hold the objects that are, and garbage the
 * others that no root reaches; whether there are any of the former. */
int unreached_sort(Walk *walk);

#endif
