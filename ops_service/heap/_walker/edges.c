/* The references of an object.
 *
 * The object's tp_traverse is the authority. Lists, tuples, dicts, sets and plain
 * instances are read directly: this yields the same references, with names, and is
 * faster. Every other object is traversed. Its visits get names by comparison with the
 * parts that parts.c knows.
 */
#include "edges.h"

#include "arrays.h"
#include "memory.h"
#include "names.h"
#include "namespaces.h"
#include "sink.h"

/* ---- containers -------------------------------------------------------------- */

/* Prefetch distance in references: a walk mostly waits for memory. */
#define AHEAD 8

static void
sequence_edges(Walk *walk, PyObject **items, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count && i < AHEAD; i++)
        __builtin_prefetch(items[i]);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(items[i + AHEAD]);
        sink_edge(walk, items[i], LABEL(0, EDGE_ELEMENT), TAG_OBJECT);
    }
}

/* Whether a key is the identifier of a thread of ops_service in a dict of threading. The
 * application holds the dict, but this key counts as ours. */
static int
is_own_key(Walk *walk, PyObject *key, PyObject *value)
{
    return Py_TYPE(key) == &PyLong_Type && sink_holds_back(walk, value);
}

static void
dict_edges(Walk *walk, PyDictObject *dict, int is_namespace)
{
    Py_ssize_t count = layout_keys_count(dict->ma_keys);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key, *value;
        if (i + AHEAD < count) {
            layout_dict_entry(dict, i + AHEAD, &key, &value);
            __builtin_prefetch(key);
            __builtin_prefetch(value);
        }
        layout_dict_entry(dict, i, &key, &value);
        if (value == NULL)
            continue;
        uint64_t left_out = walk->shared->left_out_edges;
        sink_edge(walk, key, LABEL(0, EDGE_KEY),
                  is_own_key(walk, key, value) ? TAG_OWN : TAG_OBJECT);
        uint32_t name = is_namespace ? name_number(walk, key) : 0;
        if (name == 0)
            sink_key(walk, key);
        /* A value follows its key. If a cut left out the key, the edge is not a value. */
        uint32_t kind = walk->shared->left_out_edges == left_out ? EDGE_VALUE : EDGE_ELEMENT;
        sink_edge(walk, value, name ? LABEL(name, EDGE_ATTRIBUTE) : LABEL(0, kind), TAG_OBJECT);
    }
}

static void
set_edges(Walk *walk, PySetObject *set)
{
    for (Py_ssize_t i = 0; i <= set->mask; i++) {
        PyObject *key = set->table[i].key;
        /* A deleted entry holds a placeholder whose hash is -1. */
        if (key != NULL && set->table[i].hash != -1)
            sink_edge(walk, key, LABEL(0, EDGE_ELEMENT), TAG_OBJECT);
    }
}

static void
container_edges(Walk *walk, PyObject *object, Shape shape)
{
    switch (shape) {
    case SHAPE_LIST:
        sequence_edges(walk, ((PyListObject *)object)->ob_item, ((PyVarObject *)object)->ob_size);
        break;
    case SHAPE_TUPLE:
        sequence_edges(walk, ((PyTupleObject *)object)->ob_item, ((PyVarObject *)object)->ob_size);
        break;
    case SHAPE_DICT:
        dict_edges(walk, (PyDictObject *)object,
                   sink_has_names(walk) && namespace_known(walk, (PyDictObject *)object));
        break;
    case SHAPE_SET:
        set_edges(walk, (PySetObject *)object);
        break;
    default:
        break;
    }
}

/* ---- plain instances ----------------------------------------------------------- */

static void
inline_edges(Walk *walk, PyObject *object, TypeEntry *entry)
{
    PyObject **values = layout_inline_values(object, entry->type);
    PyDictKeysObject *keys = layout_cached_keys(entry->type);
    if (values == NULL || keys == NULL || !layout_keys_are_strings(keys))
        return;
    Py_ssize_t count = layout_keys_count(keys);
    if (count > SHARED_KEYS_MAX_SIZE)
        count = SHARED_KEYS_MAX_SIZE;
    if (!sink_has_names(walk)) {
        for (Py_ssize_t i = 0; i < count; i++)
            sink_edge(walk, values[i], 0, TAG_OBJECT);
        return;
    }
    if (entry->inline_labels == NULL)
        entry->inline_labels = memory_piece(walk, SHARED_KEYS_MAX_SIZE * sizeof(uint32_t));
    for (Py_ssize_t i = 0; i < count; i++)
        __builtin_prefetch(values[i]);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (values[i] == NULL)
            continue;
        uint32_t label = entry->inline_labels[i];
        if (label == 0) {
            label = LABEL(name_number(walk, layout_keys_name(keys, i)), EDGE_ATTRIBUTE);
            entry->inline_labels[i] = label;
        }
        sink_edge(walk, values[i], label, TAG_OBJECT);
    }
}

static void
instance_edges(Walk *walk, PyObject *object, TypeEntry *entry)
{
    PyTypeObject *type = entry->type;
    for (uint32_t i = 0; i < entry->slot_count; i++)
        sink_edge(walk, *(PyObject **)((char *)object + entry->slots[i].offset),
                  entry->slots[i].label, TAG_OBJECT);
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        /* A dict may share the inline values of its instance. They are one reference
         * each, which is the dict's. */
        PyObject *dict = layout_managed_dict(object);
        if (dict == NULL)
            inline_edges(walk, object, entry);
        else
            sink_edge(walk, dict, walk->dict_label, TAG_NAMESPACE);
    }
    else
        sink_edge(walk, layout_offset_dict(object, type), walk->dict_label, TAG_NAMESPACE);
    sink_edge(walk, (PyObject *)type, walk->class_label, TAG_OBJECT);
}

/* ---- traversal -------------------------------------------------------------------- */

/* The next visit that container_edges has already reported. The traversals of lists and
 * tuples go backwards. The traversal of a dict skips keys if all keys are strings, and
 * otherwise visits each key after its value. */
static PyObject *
next_skip(Walk *walk)
{
    PyObject *object = walk->skip_object;
    switch (walk->skip_shape) {
    case SHAPE_LIST:
        return walk->skip_at > 0 ? ((PyListObject *)object)->ob_item[walk->skip_at - 1] : NULL;
    case SHAPE_TUPLE:
        return walk->skip_at > 0 ? ((PyTupleObject *)object)->ob_item[walk->skip_at - 1] : NULL;
    case SHAPE_SET: {
        PySetObject *set = (PySetObject *)object;
        for (; walk->skip_at <= set->mask; walk->skip_at++) {
            setentry *entry = &set->table[walk->skip_at];
            if (entry->key != NULL && entry->hash != -1)
                return entry->key;
        }
        return NULL;
    }
    case SHAPE_DICT: {
        PyDictObject *dict = (PyDictObject *)object;
        for (; walk->skip_at < layout_keys_count(dict->ma_keys); walk->skip_at++) {
            PyObject *key, *value;
            layout_dict_entry(dict, walk->skip_at, &key, &value);
            if (value != NULL)
                return walk->skip_key ? key : value;
        }
        return NULL;
    }
    default:
        return NULL;
    }
}

static void
advance_skip(Walk *walk)
{
    switch (walk->skip_shape) {
    case SHAPE_LIST:
    case SHAPE_TUPLE:
        walk->skip_at--;
        break;
    case SHAPE_DICT:
        if (!layout_keys_are_strings(((PyDictObject *)walk->skip_object)->ma_keys)) {
            walk->skip_key = !walk->skip_key;
            if (walk->skip_key)
                break;
        }
        walk->skip_at++;
        break;
    default:
        walk->skip_at++;
        break;
    }
}

static int
visit_unnamed(PyObject *target, void *argument)
{
    sink_edge(argument, target, LABEL(0, EDGE_INTERNAL), TAG_OBJECT);
    return 0;
}

static int
visit_named(PyObject *target, void *argument)
{
    Walk *walk = argument;
    if (target == NULL)
        return 0;
    /* Greedy matching of a subsequence: the traversal visits the container's elements in
     * this order, with other visits in between. */
    PyObject *skip = walk->skip_shape == SHAPE_LEAF ? NULL : next_skip(walk);
    if (skip == target) {
        advance_skip(walk);
        return 0;
    }
    for (int n = 0; n < walk->part_count; n++) {
        /* Parts usually come in the order of the visits. */
        int i = (walk->part_cursor + n) % walk->part_count;
        if (walk->parts[i].target == target) {
            if (walk->parts[i].label != LABEL_ELSEWHERE)
                sink_edge(walk, target, walk->parts[i].label, walk->parts[i].tag);
            walk->parts[i].target = NULL;
            walk->part_cursor = i + 1 == walk->part_count ? 0 : i + 1;
            return 0;
        }
    }
    uint32_t kind = walk->traversed_elements ? EDGE_ELEMENT : EDGE_INTERNAL;
    sink_edge(walk, target, LABEL(0, kind), TAG_OBJECT);
    return 0;
}

static void
traversed_edges(Walk *walk, PyObject *object, TypeEntry *entry)
{
    Shape container = (Shape)entry->container;
    if (!layout_is_gc(object)) {
        /* A static type: the collector never visits it. */
        parts_left_out(walk, object);
        return;
    }
    if (!sink_has_names(walk)) {
        if (container == SHAPE_DICT)
            container_edges(walk, object, container);
        entry->type->tp_traverse(object, visit_unnamed, walk);
        parts_left_out(walk, object);
        return;
    }
    container_edges(walk, object, container);
    walk->part_count = 0;
    walk->part_cursor = 0;
    parts_of(walk, object, entry);
    walk->skip_object = object;
    walk->skip_shape = container;
    walk->skip_key = 0;
    walk->skip_at = container == SHAPE_LIST || container == SHAPE_TUPLE
                        ? ((PyVarObject *)object)->ob_size : 0;
    walk->traversed_elements = entry->traversed_elements;
    entry->type->tp_traverse(object, visit_named, walk);
    parts_left_out(walk, object);
}

void
edges_of(Walk *walk, PyObject *object, TypeEntry *entry)
{
    switch ((Shape)entry->shape) {
    case SHAPE_LEAF:
        break;
    case SHAPE_INSTANCE:
        instance_edges(walk, object, entry);
        break;
    case SHAPE_LIST:
    case SHAPE_TUPLE:
    case SHAPE_DICT:
    case SHAPE_SET:
        container_edges(walk, object, (Shape)entry->shape);
        break;
    case SHAPE_CODE:
        parts_left_out(walk, object);
        break;
    case SHAPE_TRAVERSED:
        traversed_edges(walk, object, entry);
        break;
    case SHAPE_ARRAY:
        break;
    }
    /* Subclasses of arrays too; they also have attributes. */
    if (entry->size_kind == SIZE_NUMPY_ARRAY && !entry->opaque)
        array_edges(walk, object);
}
