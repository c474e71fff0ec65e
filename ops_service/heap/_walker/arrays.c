/* NumPy's arrays: their sizes, and what arrays of objects hold, of which the collector
 * knows nothing. NumPy is not compiled against: where an array keeps its shape is the same
 * in all its releases, and where a dtype keeps the size of an item is found out from
 * samples that the parent made.
 */
#include "walker.h"

#include <string.h>

#define DIMENSIONS_MAX 64
#define DTYPE_BYTES_MAX 512
#define OWNS_DATA 0x4
/* In a dtype: behind the type of its scalars. Samples show whether it holds. */
#define KIND_OFFSET (sizeof(PyObject) + sizeof(void *))
#define KIND_OBJECT 'O'

typedef struct {
    PyObject_HEAD
    char *data;
    int dimension_count;
    Py_ssize_t *dimensions;
    Py_ssize_t *strides;
    PyObject *base;
    PyObject *dtype;
    int flags;
} ArrayObject;

static ArrayLayout known;

static size_t
item_size(const ArrayLayout *layout, PyObject *dtype)
{
    const char *at = (const char *)dtype + layout->offset;
    if (layout->width == 4) {
        int32_t narrow;
        memcpy(&narrow, at, sizeof narrow);
        return narrow < 0 ? 0 : (size_t)narrow;
    }
    int64_t wide;
    memcpy(&wide, at, sizeof wide);
    return wide < 0 ? 0 : (size_t)wide;
}

/* Source: array_sizeof in NumPy. Shape and strides count, and data that the array
 * itself allocated. */
size_t
array_size(const ArrayLayout *layout, PyObject *object)
{
    ArrayObject *array = (ArrayObject *)object;
    size_t size = (size_t)Py_TYPE(object)->tp_basicsize;
    int count = array->dimension_count;
    if (count < 0 || count > DIMENSIONS_MAX)
        return size;
    size += (size_t)count * 2 * sizeof(Py_ssize_t);
    if (!(array->flags & OWNS_DATA) || array->dtype == NULL)
        return size;
    size_t data = item_size(layout, array->dtype);
    for (int i = 0; i < count; i++)
        if (array->dimensions[i] < 0 ||
            __builtin_mul_overflow(data, (size_t)array->dimensions[i], &data))
            return size;
    return size + data;
}

/* ---- elements ----------------------------------------------------------------- */

static char
kind_of(const ArrayObject *array)
{
    return ((const char *)array->dtype)[KIND_OFFSET];
}

/* How many items there are, if all of them lie in the memory that the array allocated;
 * else 0. */
static size_t
count_within(const ArrayObject *array)
{
    size_t items = 1, last = 0;
    for (int i = 0; i < array->dimension_count; i++) {
        Py_ssize_t length = array->dimensions[i], stride = array->strides[i];
        size_t reach;
        if (length <= 0 || stride < 0 ||
            __builtin_mul_overflow(items, (size_t)length, &items) ||
            __builtin_mul_overflow((size_t)stride, (size_t)length - 1, &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return 0;
    }
    return items <= SIZE_MAX / sizeof(PyObject *) && last <= (items - 1) * sizeof(PyObject *)
               ? items : 0;
}

static void
element_edges(Walk *walk, const ArrayObject *array)
{
    Py_ssize_t at[DIMENSIONS_MAX] = {0};
    const char *item = array->data;
    for (size_t left = count_within(array); left > 0; left--) {
        PyObject *element;
        memcpy(&element, item, sizeof element);
        edge(walk, element, LABEL(0, KIND_ELEMENT), TAG_OBJECT);
        /* In the order of the indexes, whatever that of the memory is. */
        for (int i = array->dimension_count - 1; i >= 0; i--) {
            item += array->strides[i];
            if (++at[i] < array->dimensions[i])
                break;
            item -= array->strides[i] * array->dimensions[i];
            at[i] = 0;
        }
    }
}

void
array_edges(Walk *walk, PyObject *object)
{
    const ArrayLayout *layout = &walk->settings->arrays;
    const ArrayObject *array = (const ArrayObject *)object;
    if (array->dtype == NULL)
        return;
    edge(walk, array->base,
         LABEL(walk->census ? 0 : name_number_literal(walk, "base"), KIND_INTERNAL), TAG_OBJECT);
    edge(walk, array->dtype,
         LABEL(walk->census ? 0 : name_number_literal(walk, "dtype"), KIND_INTERNAL), TAG_OBJECT);
    /* The elements of a view are those of what it is a view of. */
    if (layout->tells_kinds && array->flags & OWNS_DATA && kind_of(array) == KIND_OBJECT &&
        item_size(layout, array->dtype) == sizeof(PyObject *) && array->dimension_count >= 0 &&
        array->dimension_count <= DIMENSIONS_MAX)
        element_edges(walk, array);
}

/* ---- in the process itself -------------------------------------------------------- */

static int
layout_holds(ArrayLayout *layout, PyObject *samples)
{
    layout->tells_kinds = 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(samples); i++) {
        PyObject *array;
        Py_ssize_t bytes, size;
        int kind;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(samples, i), "OnnC", &array, &bytes, &size, &kind))
            return -1;
        if (!PyObject_TypeCheck(array, layout->type)) {
            PyErr_SetString(PyExc_TypeError, "a sample is no array");
            return -1;
        }
        PyObject *dtype = ((ArrayObject *)array)->dtype;
        if (dtype == NULL || Py_TYPE(dtype)->tp_basicsize < layout->offset + layout->width ||
            item_size(layout, dtype) != (size_t)bytes ||
            array_size(layout, array) != (size_t)size)
            return 0;
        layout->tells_kinds &= kind_of((ArrayObject *)array) == kind;
    }
    return 1;
}

PyObject *
learn_arrays(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *samples;
    ArrayLayout layout = {0};
    if (!PyArg_ParseTuple(args, "O!O!", &PyType_Type, &layout.type, &PyTuple_Type, &samples))
        return NULL;
    if (layout.type->tp_basicsize < (Py_ssize_t)sizeof(ArrayObject) ||
        layout.type->tp_flags & Py_TPFLAGS_HEAPTYPE)
        Py_RETURN_FALSE;
    for (layout.width = 8; layout.width >= 4; layout.width -= 4)
        for (layout.offset = sizeof(PyObject); layout.offset <= DTYPE_BYTES_MAX - layout.width;
             layout.offset += layout.width) {
            int holds = layout_holds(&layout, samples);
            if (holds < 0)
                return NULL;
            if (holds) {
                known = layout;
                Py_INCREF(known.type); /* for as long as the process lives */
                Py_RETURN_TRUE;
            }
        }
    Py_RETURN_FALSE;
}

void
arrays_known(ArrayLayout *layout)
{
    *layout = known;
}
