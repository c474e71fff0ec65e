/* Sizes of NumPy's arrays. NumPy is not compiled against: where an array keeps its
 * shape is the same in all its releases, and where a dtype keeps the size of an
 * item is found out from samples that the parent made.
 */
#include "walker.h"

#include <string.h>

#define DIMENSIONS_MAX 64
#define DTYPE_BYTES_MAX 512
#define OWNS_DATA 0x4

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

static int
layout_holds(const ArrayLayout *layout, PyObject *samples)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(samples); i++) {
        PyObject *array;
        Py_ssize_t bytes, size;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(samples, i), "Onn", &array, &bytes, &size))
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
