/* lookup.c: finds live objects by id or type. */
#ifndef OPS_WALKER_LOOKUP_H
#define OPS_WALKER_LOOKUP_H

#include "settings.h"

typedef enum {
    LOOKUP_FOUND,
    LOOKUP_UNKNOWN_ID,
    LOOKUP_NOT_TRACKED,
    LOOKUP_OTHER_TYPE,
    LOOKUP_PAST_LIMIT,
} LookupEnd;

/* The address of an id; 0 if no walk has issued the id. */
uintptr_t lookup_address(const RegionTable *regions, uint64_t id);
/* Whether a type has this name, in the form that reports print. */
int lookup_is_named(PyTypeObject *type, const char *wanted);

/* Searches the collector's lists for at most this many seconds. *found is borrowed. */
LookupEnd lookup_find(const RegionTable *regions, const Located *at, uint64_t id,
                      const char *wanted, double seconds, PyObject **found);
/* Appends the tracked instances of a type to a list. No other object gets a reference:
 * while a thread builds a tuple, it must hold the only one. LOOKUP_PAST_LIMIT if the
 * time limit ended the search; -1 with an exception set if there is no memory. */
int lookup_instances(const Located *at, PyTypeObject *type, double seconds, PyObject *list);

#endif
