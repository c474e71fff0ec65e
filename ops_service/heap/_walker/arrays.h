/* arrays.c and array_edges.c: NumPy's arrays. */
#ifndef OPS_WALKER_ARRAYS_H
#define OPS_WALKER_ARRAYS_H

#include "walker.h"

#define ARRAY_DIMENSIONS_MAX 64
#define ARRAY_OWNS_DATA 0x4
/* In a dtype: behind the type of its scalars. Samples show whether it holds. */
#define ARRAY_KIND_OFFSET (sizeof(PyObject) + sizeof(void *))
#define ARRAY_KIND_OBJECT 'O'

/* The type is NULL where arrays are not known. */
typedef struct {
    PyTypeObject *type;
    Py_ssize_t offset; /* of the size of an item in a dtype */
    Py_ssize_t width;  /* bytes that it takes there */
    int tells_kinds;   /* a dtype tells whether items are objects */
} ArrayLayout;

/* The same in all releases of NumPy. */
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
/* What sys.getsizeof says of an array. */
size_t array_size(const ArrayLayout *layout, PyObject *object);

static inline char
array_kind(const ArrayObject *array)
{
    return ((const char *)array->dtype)[ARRAY_KIND_OFFSET];
}

/* In the process itself, with the GIL held: reads the layout off samples, which are a type
 * and a tuple of arrays with what Python says of each. 1 if it was found, 0 if not, -1 with
 * an exception set. */
int arrays_learn(ArrayLayout *learnt, PyObject *args);

/* ---- array_edges.c ----------------------------------------------------------------- */

/* What an array refers to: itself it tells the collector nothing. */
void array_edges(Walk *walk, PyObject *object);

#endif
