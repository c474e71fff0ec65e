/* Finds dicts that are namespaces: their keys are names, shown at every content
 * level.
 *
 * The reference to a dict makes it a namespace. Usually its owner finds it first.
 * If another object does, the dict is noted before it is read, where possible.
 * Otherwise its entries get their names later.
 */
#include "namespaces.h"

#include "emit_snapshot.h"
#include "memory.h"
#include "names.h"
#include "sink.h"
#include "walk.h"

/* Notes that a dict is a namespace. Returns whether this is new. */
static int
mark(Walk *walk, const void *dict)
{
    Region *region = visited_region(walk, &walk->visited, dict);
    if (region->namespaces == NULL)
        region->namespaces = memory_piece(walk, REGION_GRANULES / 8);
    uint64_t *word = &region->namespaces[visited_granule(dict) >> 6];
    uint64_t bit = UINT64_C(1) << (visited_granule(dict) & 63);
    if (*word & bit)
        return 0;
    *word |= bit;
    return 1;
}

int
namespace_known(Walk *walk, PyDictObject *dict)
{
    if (dict->ma_values != NULL) {
        /* A dict that shares its keys with the instances of a class. */
        mark(walk, dict);
        return 1;
    }
    Region *region = visited_region(walk, &walk->visited, dict);
    uint32_t granule = visited_granule(dict);
    return region->namespaces != NULL && (region->namespaces[granule >> 6] >> (granule & 63) & 1);
}

void
namespace_found(Walk *walk, PyObject *object, uint32_t place)
{
    if (!PyDict_Check(object) || !mark(walk, object) || !sink_is_written(walk, place))
        return;
    /* Once edges are left out, the number of an entry no longer identifies it. */
    if (walk->shared->left_out_edges != 0)
        return;
    PyDictObject *dict = (PyDictObject *)object;
    Py_ssize_t count = layout_keys_count(dict->ma_keys);
    uint64_t number = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key, *value;
        layout_dict_entry(dict, i, &key, &value);
        if (value == NULL)
            continue;
        uint32_t name = name_number(walk, key);
        if (name != 0)
            emit_named_entry(walk, place - 1, number, name);
        number++;
    }
}

/* ---- thread-local storage --------------------------------------------------------- */

/* A threading.local has a dict with one entry per thread: the namespace that the
 * thread sees. */
static int
visit_local(PyObject *target, void *argument)
{
    Walk *walk = argument;
    if (target == NULL || !PyDict_CheckExact(target))
        return 0;
    PyDictObject *dict = (PyDictObject *)target;
    Py_ssize_t count = layout_keys_count(dict->ma_keys);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key, *value;
        layout_dict_entry(dict, i, &key, &value);
        /* The key stands for a thread. Arguments of the local, which have str keys,
         * are data. */
        if (value != NULL && !PyUnicode_Check(key) && PyDict_CheckExact(value)) {
            Region *region = visited_region(walk, &walk->visited, value);
            namespace_found(walk, value,
                            region->indexes == NULL ? 0 : region->indexes[visited_granule(value)]);
        }
    }
    return 0;
}

void
namespaces_of_local(Walk *walk, PyObject *object)
{
    Py_TYPE(object)->tp_traverse(object, visit_local, walk);
}
