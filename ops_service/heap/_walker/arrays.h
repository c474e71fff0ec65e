/* arrays.c and array_edges.c: NumPy's arrays. */
#ifndef OPS_WALKER_ARRAYS_H
#define OPS_WALKER_ARRAYS_H

#include "walker.h"

#define ARRAY_DIMENSIONS_MAX 64
#define ARRAY_OWNS_DATA 0x4
/* Offset of the kind in a dtype: after the type of its scalars. Samples verify it. */
#define ARRAY_KIND_OFFSET (sizeof(PyObject) + sizeof(void *))
#define ARRAY_KIND_OBJECT 'O'

/* Layout of a dtype. The type is NULL if NumPy's arrays are unknown. */
typedef struct {
    PyTypeObject *type;
    Py_ssize_t offset; /* of the item size in a dtype */
    Py_ssize_t width;  /* of that field, in bytes */
    int tells_kinds;   /* the dtype shows whether items are objects */
} ArrayLayout;

/* The beginning of an array: the same in all releases of NumPy. */
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

size_t array_item_size(const ArrayLayout *layout, PyObject *dtype);
/* The size that sys.getsizeof returns for an array. */
size_t array_size(const ArrayLayout *layout, PyObject *object);

static inline char
array_kind(const ArrayObject *array)
{
    return ((const char *)array->dtype)[ARRAY_KIND_OFFSET];
}

/* Finds the layout from samples: a type, and a tuple of arrays, each with the facts that
 * Python reports. Runs in the process itself, with the GIL held. Returns 1 if found, 0 if
 * not, -1 with an exception set. */
int arrays_learn(ArrayLayout *learnt, PyObject *args);

/* ---- array_edges.c ----------------------------------------------------------------- */

/* Reports the references of an array; its own traversal reports none to the collector. */
void array_edges(Walk *walk, PyObject *object);

#endif
