/* Facts about a type, found once, at its first instance. */
#include "types.h"

#include "content.h"
#include "memory.h"
#include "names.h"
#include "sink.h"
#include "type_name.h"
#include "walk.h"

#include <string.h>
#include <structmember.h>

#define FIRST_CAPACITY 1024u
#define BASES_MAX (1 << 16)
#define FLOAT_BASES_MAX 256

static size_t
slot_of(const PyTypeObject *type, size_t capacity)
{
    return (size_t)(((uintptr_t)type * UINT64_C(0x9E3779B97F4A7C15)) >> 24) & (capacity - 1);
}

void
types_open(Walk *walk)
{
    walk->types.capacity = FIRST_CAPACITY;
    walk->types.slots = memory_map(walk, FIRST_CAPACITY * sizeof(TypeEntry *));
}

static TypeEntry **
place(TypeEntry **slots, size_t capacity, const PyTypeObject *type)
{
    size_t i = slot_of(type, capacity);
    while (slots[i] != NULL && slots[i]->type != type)
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static void
grow(Walk *walk)
{
    Types *types = &walk->types;
    size_t capacity = types->capacity * 2;
    TypeEntry **slots = memory_map(walk, capacity * sizeof(TypeEntry *));
    for (size_t i = 0; i < types->capacity; i++)
        if (types->slots[i] != NULL)
            *place(slots, capacity, types->slots[i]->type) = types->slots[i];
    memory_unmap(walk, types->slots, types->capacity * sizeof(TypeEntry *));
    types->slots = slots;
    types->capacity = capacity;
}

/* ---- size and shape --------------------------------------------------------- */

static int
known_size_kind(const Known *known, const PyTypeObject *type, SizeKind *kind)
{
    const struct {
        const PyTypeObject *type;
        SizeKind kind;
    } kinds[] = {
        {&PyBaseObject_Type, SIZE_PLAIN}, {&PyLong_Type, SIZE_INT},
        {&PyUnicode_Type, SIZE_STR},      {&PyBytes_Type, SIZE_PLAIN},
        {&PyList_Type, SIZE_LIST},        {&PyDict_Type, SIZE_DICT},
        {&PyTuple_Type, SIZE_PLAIN},      {&PySet_Type, SIZE_SET},
        {&PyFrozenSet_Type, SIZE_SET},    {&PyByteArray_Type, SIZE_BYTEARRAY},
        {&PyType_Type, SIZE_TYPE},        {&PyCode_Type, SIZE_CODE},
        {&PyFrame_Type, SIZE_FRAME},      {&PyGen_Type, SIZE_GENERATOR},
        {&PyCoro_Type, SIZE_GENERATOR},   {&PyAsyncGen_Type, SIZE_GENERATOR},
        {LAYOUT_FROZEN_DICT, SIZE_DICT},
        {known->deque, SIZE_DEQUE},    {known->array, SIZE_ARRAY},
        {known->ordered_dict, SIZE_ORDERED_DICT},
        {known->arrays.type, SIZE_NUMPY_ARRAY},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type != NULL && kinds[i].type == type) {
            *kind = kinds[i].kind;
            return 1;
        }
    return 0;
}

/* Whether the formula of a type's __sizeof__ is known: the first class in its MRO that
 * defines one must be a known type. That class may be a mixin that is not a base of
 * the structure. */
static int
is_size_known(const Known *known, PyTypeObject *type)
{
    SizeKind kind;
    PyObject *order = type->tp_mro;
    if (order == NULL || !PyTuple_Check(order))
        return known_size_kind(known, type, &kind);
    for (Py_ssize_t i = 0; i < ((PyVarObject *)order)->ob_size; i++) {
        PyTypeObject *class = (PyTypeObject *)((PyTupleObject *)order)->ob_item[i];
        if (type_namespace_value(class, "__sizeof__") != NULL)
            return known_size_kind(known, class, &kind);
    }
    return 1;
}

static void
find_size_kind(Walk *walk, TypeEntry *entry)
{
    PyTypeObject *base = entry->type;
    SizeKind kind = SIZE_PLAIN;
    for (int depth = 0; base != NULL && depth < BASES_MAX; depth++, base = base->tp_base)
        if (known_size_kind(&walk->settings->known, base, &kind))
            break;
    entry->size_kind = (uint8_t)kind;
    entry->size_estimated = !is_size_known(&walk->settings->known, entry->type);
}

static int
has_instance_traverse(const Walk *walk, PyTypeObject *type)
{
    return PyType_IS_GC(type) && type->tp_traverse == walk->instance_traverse;
}

/* The first traversal in the bases that does not come from a class defined in Python. */
static traverseproc
native_traverse(const Walk *walk, PyTypeObject *type)
{
    for (int depth = 0; depth < BASES_MAX && type != NULL; depth++, type = type->tp_base)
        if (!has_instance_traverse(walk, type))
            return type->tp_traverse;
    return walk->instance_traverse;
}

/* The container that instances are, if their elements are stored as in it and visited
 * in the order of its traversal. */
static Shape
find_container(PyTypeObject *type, traverseproc native)
{
    /* Every kind of dict visits its entries with the traversal of dicts. A frozendict is
     * no subclass of dict, but has its layout. */
    if (PyType_FastSubclass(type, Py_TPFLAGS_DICT_SUBCLASS) ||
        native == PyDict_Type.tp_traverse)
        return SHAPE_DICT;
    if (native == PyList_Type.tp_traverse)
        return SHAPE_LIST;
    if (native == PyTuple_Type.tp_traverse)
        return SHAPE_TUPLE;
    if (native == PySet_Type.tp_traverse)
        return SHAPE_SET;
    return SHAPE_LEAF;
}

static void
find_shape(Walk *walk, TypeEntry *entry)
{
    PyTypeObject *type = entry->type;
    entry->shape = SHAPE_LEAF;
    entry->container = SHAPE_LEAF;
    if (type == &PyCode_Type)
        entry->shape = SHAPE_CODE;
    if (entry->size_kind == SIZE_NUMPY_ARRAY)
        entry->shape = SHAPE_ARRAY;
    if (!PyType_IS_GC(type) || type->tp_traverse == NULL)
        return;
    traverseproc native = native_traverse(walk, type);
    Shape container = find_container(type, native);
    entry->shape = SHAPE_TRAVERSED;
    entry->container = (uint8_t)container;
    if (native == NULL)
        entry->shape = SHAPE_INSTANCE;
    else if (type->tp_traverse == native && container != SHAPE_LEAF &&
             (container != SHAPE_DICT || native == PyDict_Type.tp_traverse))
        entry->shape = (uint8_t)container;
    const PyTypeObject *thread_local = walk->settings->known.thread_local;
    entry->thread_local = thread_local != NULL && native == thread_local->tp_traverse;
    /* Named tuples in C visit fields beyond their length. */
    const PyTypeObject *deque = walk->settings->known.deque;
    entry->traversed_elements =
        container == SHAPE_LEAF &&
        ((deque != NULL && native == deque->tp_traverse) ||
         PyType_FastSubclass(type, Py_TPFLAGS_TUPLE_SUBCLASS));
}

/* Whether a base may have slots to collect. */
static int
is_slotted(const Walk *walk, PyTypeObject *base, int depth)
{
    return base != NULL && depth < BASES_MAX && has_instance_traverse(walk, base);
}

/* Slots that Python code declares, the class's own first, in the order in which the
 * traversal of instances visits them. */
static void
find_slots(Walk *walk, TypeEntry *entry)
{
    size_t members = 0;
    PyTypeObject *base = entry->type;
    for (int depth = 0; is_slotted(walk, base, depth); depth++, base = base->tp_base)
        members += (size_t)((PyVarObject *)base)->ob_size;
    if (members == 0)
        return;
    entry->slots = memory_piece(walk, members * sizeof(Slot));
    base = entry->type;
    for (int depth = 0; is_slotted(walk, base, depth); depth++, base = base->tp_base) {
        PyMemberDef *member = (PyMemberDef *)((char *)base + Py_TYPE(base)->tp_basicsize);
        for (Py_ssize_t i = 0; i < ((PyVarObject *)base)->ob_size; i++, member++) {
            if (member->type != T_OBJECT_EX)
                continue;
            uint32_t name = member->name == NULL ? 0 : sink_literal(walk, member->name);
            Slot *slot = &entry->slots[entry->slot_count++];
            slot->offset = member->offset;
            slot->label = LABEL(name, EDGE_SLOT);
        }
    }
}

uint8_t
type_content(const PyTypeObject *type)
{
    if (type == Py_TYPE(Py_None))
        return CONTENT_NONE;
    if (type == &PyBool_Type)
        return CONTENT_BOOL;
    if (type->tp_flags & Py_TPFLAGS_LONG_SUBCLASS)
        return CONTENT_INT;
    if (type->tp_flags & Py_TPFLAGS_UNICODE_SUBCLASS)
        return CONTENT_TEXT;
    if (type->tp_flags & Py_TPFLAGS_BYTES_SUBCLASS)
        return CONTENT_BYTES;
    for (int depth = 0; type != NULL && depth < FLOAT_BASES_MAX; depth++, type = type->tp_base)
        if (type == &PyFloat_Type)
            return CONTENT_FLOAT;
    return CONTENT_UNKNOWN;
}

/* Temporaries in the service's executing frames look like those of the application;
 * only their types identify them. */
static uint8_t
is_own(PyTypeObject *type)
{
    static const char package[] = "ops_service";
    const size_t length = sizeof package - 1;
    const char *module, *name;
    size_t module_length, name_length;
    type_name(type, &module, &module_length, &name, &name_length);
    return module_length >= length && memcmp(module, package, length) == 0 &&
           (module_length == length || module[length] == '.');
}

static PyTypeObject unreadable_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = TYPE_UNREADABLE,
};

TypeEntry *
type_unreadable(Walk *walk)
{
    if (walk->types.unreadable == NULL) {
        TypeEntry *entry = type_entry(walk, &unreadable_type);
        entry->opaque = 1;
        walk->types.unreadable = entry;
    }
    return walk->types.unreadable;
}

TypeEntry *
type_entry_slow(Walk *walk, PyTypeObject *type)
{
    /* Otherwise a stray reference would make the walk take arbitrary memory for a
     * type. Reading its name later would fault where the walk cannot skip anything. */
    if (type == NULL || Py_TYPE(type) == NULL || !PyType_Check(type))
        return type_unreadable(walk);
    TypeEntry **at = place(walk->types.slots, walk->types.capacity, type);
    if (*at == NULL) {
        if ((size_t)walk->types.count * 2 >= walk->types.capacity) {
            grow(walk);
            at = place(walk->types.slots, walk->types.capacity, type);
        }
        TypeEntry *entry = memory_piece(walk, sizeof(TypeEntry));
        memset(entry, 0, sizeof *entry);
        *at = entry;
        entry->type = type;
        entry->index = walk->types.count++;
        find_size_kind(walk, entry);
        find_shape(walk, entry);
        entry->own = is_own(type);
        sink_type(walk, entry);
        find_slots(walk, entry);
    }
    *types_recent(&walk->types, type) = *at;
    return *at;
}
