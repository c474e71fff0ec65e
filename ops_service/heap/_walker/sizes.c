/* Sizes of objects as sys.getsizeof returns them, without running __sizeof__.
 *
 * Source of each formula: the __sizeof__ of the type in CPython (Objects/ and
 * Modules/), and sys.getsizeof, which adds the header before the object.
 */
#include "sizes.h"

/* Only the beginnings of these structures are read; they are private to their
 * modules and the same in CPython 3.11 to 3.15. */
#define DEQUE_BLOCK_ITEMS 64

typedef struct {
    PyObject_VAR_HEAD
    void *left_block;
    void *right_block;
    Py_ssize_t left_index;
} DequeHead;


typedef struct {
    PyObject_VAR_HEAD
    char *items;
    Py_ssize_t allocated;
    const struct {
        char typecode;
        int item_size;
    } *description;
} ArrayHead;

typedef struct {
    PyDictObject dict;
    void *first;
    void *last;
    void **fast_nodes;
    Py_ssize_t fast_nodes_size;
} OrderedDictHead;

static size_t
plain_size(PyObject *object, PyTypeObject *type)
{
    size_t size = (size_t)type->tp_basicsize;
    if (type->tp_itemsize > 0) {
        Py_ssize_t items = ((PyVarObject *)object)->ob_size;
        size += (size_t)(items < 0 ? -items : items) * (size_t)type->tp_itemsize;
    }
    return size;
}

static size_t
str_size(PyObject *object)
{
    PyASCIIObject *string = (PyASCIIObject *)object;
    size_t length = (size_t)string->length;
    size_t size;
    if (string->state.compact) {
        if (string->state.ascii)
            size = sizeof(PyASCIIObject) + length + 1;
        else
            size = sizeof(PyCompactUnicodeObject) + (length + 1) * string->state.kind;
    }
    else {
        size = sizeof(PyUnicodeObject);
        if (((PyUnicodeObject *)object)->data.any != NULL)
            size += (length + 1) * string->state.kind;
    }
    if (!(string->state.compact && string->state.ascii)) {
        PyCompactUnicodeObject *compact = (PyCompactUnicodeObject *)object;
        const void *data = string->state.compact ? (const void *)(compact + 1)
                                                 : ((PyUnicodeObject *)object)->data.any;
        if (compact->utf8 != NULL && (const void *)compact->utf8 != data)
            size += (size_t)compact->utf8_length + 1;
    }
    return size;
}

static size_t
set_size(PyObject *object, PyTypeObject *type)
{
    PySetObject *set = (PySetObject *)object;
    size_t size = (size_t)type->tp_basicsize;
    if (set->table != set->smalltable)
        size += (size_t)(set->mask + 1) * sizeof(setentry);
    return size;
}

static size_t
type_object_size(PyObject *object)
{
    PyTypeObject *type = (PyTypeObject *)object;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return sizeof(PyTypeObject);
    size_t size = sizeof(PyHeapTypeObject);
    PyDictKeysObject *keys = layout_cached_keys(type);
    if (keys != NULL)
        size += layout_keys_size(keys);
    return size;
}

static size_t
frame_data_size(PyCodeObject *code)
{
    size_t values = (size_t)code->co_nlocalsplus + (size_t)code->co_stacksize;
    return offsetof(layout_frame, localsplus) + values * sizeof(PyObject *);
}

static size_t
frame_object_size(PyObject *object)
{
    layout_frame *frame = ((PyFrameObject *)object)->f_frame;
    PyCodeObject *code = frame == NULL ? NULL : layout_frame_code(frame);
    size_t size = offsetof(PyFrameObject, _f_frame_data);
    return code == NULL ? size : size + frame_data_size(code);
}

static size_t
generator_size(PyObject *object)
{
    PyCodeObject *code = layout_generator_code(object);
    size_t size = offsetof(PyGenObject, gi_iframe);
    return code == NULL ? size : size + frame_data_size(code);
}

static size_t
deque_size(PyObject *object, PyTypeObject *type)
{
    DequeHead *deque = (DequeHead *)object;
    size_t used = (size_t)deque->left_index + (size_t)deque->ob_base.ob_size;
    size_t blocks = (used + DEQUE_BLOCK_ITEMS - 1) / DEQUE_BLOCK_ITEMS;
    return (size_t)type->tp_basicsize + blocks * (DEQUE_BLOCK_ITEMS + 2) * sizeof(void *);
}

static size_t
ordered_dict_size(PyObject *object)
{
    OrderedDictHead *ordered = (OrderedDictHead *)object;
    size_t size = (size_t)_PyDict_SizeOf((PyDictObject *)object);
    size += (size_t)ordered->fast_nodes_size * sizeof(void *);
    /* A node holds key, hash and two links. */
    size += (size_t)ordered->dict.ma_used * 4 * sizeof(void *);
    return size;
}

static size_t
inner_size(const Settings *settings, PyObject *object, const TypeEntry *entry)
{
    PyTypeObject *type = entry->type;
    switch ((SizeKind)entry->size_kind) {
    case SIZE_INT:
        return layout_int_digits(object) == 0 ? settings->known.zero_size : layout_int_size(object);
    case SIZE_STR:
        return str_size(object);
    case SIZE_LIST:
        return (size_t)type->tp_basicsize +
               (size_t)((PyListObject *)object)->allocated * sizeof(PyObject *);
    case SIZE_DICT:
        return (size_t)_PyDict_SizeOf((PyDictObject *)object);
    case SIZE_SET:
        return set_size(object, type);
    case SIZE_BYTEARRAY:
        return (size_t)type->tp_basicsize + layout_bytearray_data_size(object);
    case SIZE_TYPE:
        return type_object_size(object);
    case SIZE_FRAME:
        return frame_object_size(object);
    case SIZE_GENERATOR:
        return generator_size(object);
    case SIZE_DEQUE:
        return deque_size(object, type);
    case SIZE_ARRAY: {
        ArrayHead *array = (ArrayHead *)object;
        return (size_t)type->tp_basicsize +
               (size_t)array->allocated * (size_t)array->description->item_size;
    }
    case SIZE_NUMPY_ARRAY:
        return array_size(&settings->known.arrays, object);
    case SIZE_ORDERED_DICT:
        return ordered_dict_size(object);
    case SIZE_CODE:
        return (plain_size(object, type) + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    case SIZE_PLAIN:
        break;
    }
    return plain_size(object, type);
}

Size
size_of(const Settings *settings, PyObject *object, const TypeEntry *entry)
{
    PyTypeObject *type = entry->type;
    if (entry->opaque)
        return (Size){(size_t)type->tp_basicsize, 0};
    Size size = {inner_size(settings, object, entry), 0};
    if (layout_is_gc(object))
        size.counted += _PyType_PreHeaderSize(type);
    else if (PyType_IS_GC(type))
        /* A static type: whether the header of its type counts changed between
         * releases. */
        size.counted += settings->known.static_header;
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        size.extra = layout_inline_size(object, type);
    return size;
}
