/* lookup.c: from an id, or a type, to live objects. */
#ifndef OPS_WALKER_LOOKUP_H
#define OPS_WALKER_LOOKUP_H

#include "visited.h"

typedef enum {
    LOOKUP_FOUND,
    LOOKUP_UNKNOWN_ID,
    LOOKUP_NOT_TRACKED,
    LOOKUP_OTHER_TYPE,
    LOOKUP_PAST_LIMIT,
} LookupEnd;

/* The address that an id stands for; 0 if no walk gave that id away. */
uintptr_t lookup_address(const RegionTable *regions, uint64_t id);
/* Whether a type has a name, as reports print it. */
int lookup_is_named(PyTypeObject *type, const char *wanted);

/* Walks the collector's lists for at most so many seconds. *found is borrowed. */
LookupEnd lookup_find(const RegionTable *regions, uint64_t id, const char *wanted, double seconds,
                      PyObject **found);
/* Appends the tracked instances of a type to a list. Nothing else gets a reference: a
 * tuple that another thread still builds must have one alone. LOOKUP_PAST_LIMIT if the
 * time was over before the end; -1 with an exception set if there is no memory. */
int lookup_instances(PyTypeObject *type, double seconds, PyObject *list);

#endif
