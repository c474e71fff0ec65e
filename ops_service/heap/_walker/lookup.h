/* lookup.c: from an id to the live object. */
#ifndef OPS_WALKER_LOOKUP_H
#define OPS_WALKER_LOOKUP_H

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

#endif
