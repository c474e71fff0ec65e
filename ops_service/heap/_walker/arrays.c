/* Sizes of NumPy arrays, without compiling against NumPy. The place of an array's shape
 * is the same in all its releases. The place of the item size in a dtype is found from
 * samples that the parent made.
 */
#include "arrays.h"

#include <string.h>

#define DTYPE_BYTES_MAX 512

size_t
array_item_size(const ArrayLayout *layout, PyObject *dtype)
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

/* Source: array_sizeof in NumPy. Counts shape, strides, and data that the array itself
 * allocated. */
size_t
array_size(const ArrayLayout *layout, PyObject *object)
{
    ArrayObject *array = (ArrayObject *)object;
    size_t size = (size_t)Py_TYPE(object)->tp_basicsize;
    int count = array->dimension_count;
    if (count < 0 || count > ARRAY_DIMENSIONS_MAX)
        return size;
    size += (size_t)count * 2 * sizeof(Py_ssize_t);
    if (!(array->flags & ARRAY_OWNS_DATA) || array->dtype == NULL)
        return size;
    size_t data = array_item_size(layout, array->dtype);
    for (int i = 0; i < count; i++)
        if (array->dimensions[i] < 0 ||
            __builtin_mul_overflow(data, (size_t)array->dimensions[i], &data))
            return size;
    return size + data;
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
            array_item_size(layout, dtype) != (size_t)bytes ||
            array_size(layout, array) != (size_t)size)
            return 0;
        layout->tells_kinds &= array_kind((ArrayObject *)array) == kind;
    }
    return 1;
}

int
arrays_learn(ArrayLayout *learnt, PyObject *args)
{
    PyObject *samples;
    ArrayLayout layout = {0};
    if (!PyArg_ParseTuple(args, "O!O!", &PyType_Type, &layout.type, &PyTuple_Type, &samples))
        return -1;
    if (layout.type->tp_basicsize < (Py_ssize_t)sizeof(ArrayObject) ||
        layout.type->tp_flags & Py_TPFLAGS_HEAPTYPE)
        return 0;
    for (layout.width = 8; layout.width >= 4; layout.width -= 4)
        for (layout.offset = sizeof(PyObject); layout.offset <= DTYPE_BYTES_MAX - layout.width;
             layout.offset += layout.width) {
            int holds = layout_holds(&layout, samples);
            if (holds != 0) {
                if (holds > 0)
                    *learnt = layout;
                return holds;
            }
        }
    return 0;
}
