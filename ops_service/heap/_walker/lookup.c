/* Finds a live object by the id that snapshots show, or the instances of a type. Runs
 * in the process itself, with the GIL held, and therefore has a time limit. It searches the
 * lists of the own interpreter alone, since no other one's object may be used in it.
 */
#include "lookup.h"

#include "gc_lists.h"
#include "type_name.h"

#include <string.h>
#include <time.h>

/* Nodes of the collector's lists between two checks of the clock. */
#define LOOKUP_STRIDE 4096u

/* CPU time of this thread. On a busy machine, wall time would end a search that has
 * hardly begun, and help nobody. */
static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uintptr_t
lookup_address(const RegionTable *regions, uint64_t id)
{
    uint64_t number = id >> 15;
    if ((id & 1) == 0 || regions == NULL || number >= REGION_TABLE_SIZE ||
        number >= __atomic_load_n(&regions->count, __ATOMIC_ACQUIRE))
        return 0;
    uintptr_t granule = (uintptr_t)(id >> 1) & (REGION_GRANULES - 1);
    return regions->keys[number] << REGION_SHIFT | granule << 4;
}

int
lookup_is_named(PyTypeObject *type, const char *wanted)
{
    const char *module, *name;
    size_t module_length, name_length;
    type_name(type, &module, &module_length, &name, &name_length);
    size_t length = strlen(wanted);
    if (module_length > 0) {
        if (length < module_length + 1 || memcmp(wanted, module, module_length) != 0 ||
            wanted[module_length] != '.')
            return 0;
        wanted += module_length + 1;
        length -= module_length + 1;
    }
    return length == name_length && memcmp(wanted, name, name_length) == 0;
}

LookupEnd
lookup_find(const RegionTable *regions, const Located *at, uint64_t id, const char *wanted,
            double seconds, PyObject **found)
{
    uintptr_t address = lookup_address(regions, id);
    if (address == 0)
        return LOOKUP_UNKNOWN_ID;
    GcLists lists = gc_lists_open(PyInterpreterState_Get(), at);
    double limit = seconds_now() + seconds;
    PyObject *object;
    for (size_t seen = 1; (object = gc_lists_step(&lists)) != NULL; seen++) {
        if ((uintptr_t)object == address) {
            if (!lookup_is_named(Py_TYPE(object), wanted))
                return LOOKUP_OTHER_TYPE;
            *found = object;
            return LOOKUP_FOUND;
        }
        if (seen % LOOKUP_STRIDE == 0 && seconds_now() > limit)
            return LOOKUP_PAST_LIMIT;
    }
    return LOOKUP_NOT_TRACKED;
}

int
lookup_instances(const Located *at, PyTypeObject *type, double seconds, PyObject *list)
{
    GcLists lists = gc_lists_open(PyInterpreterState_Get(), at);
    double limit = seconds_now() + seconds;
    const PyTypeObject *last = NULL;
    int last_is = 0;
    PyObject *object;
    for (size_t seen = 1; (object = gc_lists_step(&lists)) != NULL; seen++) {
        if (Py_TYPE(object) != last) {
            last = Py_TYPE(object);
            last_is = PyType_IsSubtype(Py_TYPE(object), type);
        }
        /* PyList_Append creates no tracked object, so the collector's lists do not
         * change. */
        if (last_is && Py_REFCNT(object) > 0 && PyList_Append(list, object) < 0)
            return -1;
        if (seen % LOOKUP_STRIDE == 0 && seconds_now() > limit)
            return LOOKUP_PAST_LIMIT;
    }
    return LOOKUP_FOUND;
}
