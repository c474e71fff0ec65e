/* The references of NumPy arrays, which the collector does not see: the elements of object
 * arrays, the dtype, and the base of a view.
 */
#include "edges.h"
#include "names.h"
#include "sink.h"

#include <string.h>

/* Number of items, if all of them lie in the memory that the array allocated; else 0. */
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
    Py_ssize_t at[ARRAY_DIMENSIONS_MAX] = {0};
    const char *item = array->data;
    for (size_t left = count_within(array); left > 0; left--) {
        PyObject *element;
        memcpy(&element, item, sizeof element);
        sink_edge(walk, element, LABEL(0, EDGE_ELEMENT), TAG_OBJECT);
        /* In index order, whatever the memory order is. */
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
    const ArrayLayout *layout = &walk->settings->known.arrays;
    const ArrayObject *array = (const ArrayObject *)object;
    if (array->dtype == NULL)
        return;
    sink_edge(walk, array->base, LABEL(sink_literal(walk, "base"), EDGE_INTERNAL), TAG_OBJECT);
    sink_edge(walk, array->dtype, LABEL(sink_literal(walk, "dtype"), EDGE_INTERNAL), TAG_OBJECT);
    /* The elements of a view belong to its base. */
    if (layout->tells_kinds && array->flags & ARRAY_OWNS_DATA &&
        array_kind(array) == ARRAY_KIND_OBJECT &&
        array_item_size(layout, array->dtype) == sizeof(PyObject *) &&
        array->dimension_count >= 0 && array->dimension_count <= ARRAY_DIMENSIONS_MAX)
        element_edges(walk, array);
}

