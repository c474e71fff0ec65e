/* The parent's handle of the table of paths: memory that its children share. */
#include "path_table.h"

#include <sys/mman.h>

typedef struct {
    PyObject_HEAD
    PathTable *table;
} PathTableObject;

static void
path_table_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (((PathTableObject *)self)->table != NULL)
        munmap(((PathTableObject *)self)->table, sizeof(PathTable));
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
path_table_get_broken(PyObject *self, void *Py_UNUSED(closure))
{
    const PathTable *table = ((PathTableObject *)self)->table;
    return PyBool_FromLong(__atomic_load_n(&table->committing, __ATOMIC_ACQUIRE) != 0);
}

static PyObject *
path_table_get_samples(PyObject *self, void *Py_UNUSED(closure))
{
    const PathTable *table = ((PathTableObject *)self)->table;
    return PyLong_FromUnsignedLong(__atomic_load_n(&table->sample_count, __ATOMIC_ACQUIRE));
}

static PyGetSetDef path_table_getset[] = {
    {"broken", path_table_get_broken, NULL,
     "Whether a child was ended while it wrote; then begin with another table.", NULL},
    {"samples", path_table_get_samples, NULL,
     "How many samples children have written whole, read or not.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot path_table_slots[] = {
    {Py_tp_dealloc, path_table_dealloc},
    {Py_tp_getset, path_table_getset},
    {0, NULL},
};

static PyType_Spec path_table_spec = {
    .name = "ops_service.heap._walker.PathTable",
    .basicsize = sizeof(PathTableObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = path_table_slots,
};

PyTypeObject *
path_table_type(PyObject *module)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &path_table_spec, NULL);
}

PyObject *
path_table_new(PyTypeObject *type)
{
    PathTableObject *object = PyObject_New(PathTableObject, type);
    if (object == NULL)
        return NULL;
    /* Most pages are never touched, and those use no memory. */
    void *address = mmap(NULL, sizeof(PathTable), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    object->table = address == MAP_FAILED ? NULL : address;
    if (object->table == NULL) {
        PyErr_SetFromErrno(PyExc_OSError);
        Py_DECREF(object);
        return NULL;
    }
    return (PyObject *)object;
}

PathTable *
path_table_of(PyObject *object, PyTypeObject *type)
{
    if (Py_IS_TYPE(object, type))
        return ((PathTableObject *)object)->table;
    PyErr_SetString(PyExc_TypeError, "paths must be a PathTable or None");
    return NULL;
}
