/* The Python module: starts walking children, and looks up objects. */
#include "allocator.h"
#include "constants.h"
#include "current_frames.h"
#include "interpreters.h"
#include "lookup.h"
#include "module_state.h"
#include "path_table.h"
#include "start.h"

static PyObject *
path_table(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return path_table_new(module_state(module)->path_table_type);
}

static PyObject *
learn_arrays(PyObject *module, PyObject *args)
{
    ModuleState *state = module_state(module);
    ArrayLayout learnt;
    int found = arrays_learn(&learnt, args);
    if (found < 0)
        return NULL;
    if (found) {
        PyTypeObject *before = state->known.arrays.type;
        Py_INCREF(learnt.type);
        state->known.arrays = learnt;
        Py_XDECREF(before);
    }
    return PyBool_FromLong(found);
}

static PyObject *
find_object(PyObject *module, PyObject *args)
{
    unsigned long long id;
    const char *type;
    double seconds;
    if (!PyArg_ParseTuple(args, "Ksd", &id, &type, &seconds))
        return NULL;
    const RegionTable *regions = module_state_regions(module_state(module));
    if (regions == NULL)
        return NULL;
    PyObject *found = NULL;
    const Located *at = &module_state(module)->known.located;
    LookupEnd end = lookup_find(regions, at, id, type, seconds, &found);
    /* Take the reference at once: creating the tuple may start a collection, which
     * could free the object. */
    Py_XINCREF(found);
    return end == LOOKUP_FOUND ? Py_BuildValue("(iN)", (int)end, found)
                               : Py_BuildValue("(is)", (int)end, NULL);
}

static PyObject *
find_instances(PyObject *module, PyObject *args)
{
    PyTypeObject *type;
    double seconds;
    if (!PyArg_ParseTuple(args, "O!d", &PyType_Type, &type, &seconds))
        return NULL;
    const Located *at = &module_state(module)->known.located;
    PyObject *list = PyList_New(0);
    int end = list == NULL ? -1 : lookup_instances(at, type, seconds, list);
    if (end < 0) {
        Py_XDECREF(list);
        return NULL;
    }
    return Py_BuildValue("(NO)", list, end == LOOKUP_FOUND ? Py_True : Py_False);
}

static PyObject *
count_interpreters(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return interpreters_count(&module_state(module)->known.located);
}

/* New interpreters stand in front of the main one, which is the last to go. */
static PyObject *
is_single(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(PyInterpreterState_Head() == PyInterpreterState_Main());
}

static PyMethodDef module_methods[] = {
    {"start", (PyCFunction)(void (*)(void))start, METH_VARARGS | METH_KEYWORDS,
     "Clone the process; the child walks the heap and writes to a descriptor."},
    {"path_table", path_table, METH_NOARGS,
     "A table of paths, empty, that the children of growth samples share."},
    {"find_object", find_object, METH_VARARGS,
     "Look for the tracked object with an id and a type; how that ended, and the object."},
    {"find_instances", find_instances, METH_VARARGS,
     "The tracked instances of a type, and whether the time was enough to see all."},
    {"count_interpreters", count_interpreters, METH_NOARGS,
     "Id of this interpreter, number of all, and of those with another GIL; None if another "
     "thread keeps changing their list."},
    {"is_single", is_single, METH_NOARGS, "Whether the main interpreter is the only one."},
    {"current_frames", current_frames, METH_NOARGS,
     "The current frame of each thread of this interpreter, by the thread's identifier."},
    {"arena_statistics", arena_statistics, METH_NOARGS,
     "What CPython prints of its small-object arenas, as bytes. Empty if it keeps none."},
    {"learn_arrays", learn_arrays, METH_VARARGS,
     "Find out the layout of NumPy's arrays from samples; whether it was found."},
    {NULL, NULL, 0, NULL},
};

static int
module_exec(PyObject *module)
{
    /* The name of the file says it too, but files are renamed. */
    if (Py_Version >> 16 != PY_VERSION_HEX >> 16) {
        PyErr_SetString(PyExc_ImportError, "the walker was compiled for CPython " PY_VERSION);
        return -1;
    }
    if (module_state_open(module) < 0 || constants_add(module) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "COMPILED_FOR", PY_VERSION);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ops_service.heap._walker",
    .m_doc = "Walks the heap of this process in a forked child.",
    .m_size = sizeof(ModuleState),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_state_traverse,
    .m_clear = module_state_clear,
    .m_free = module_state_free,
};

PyMODINIT_FUNC
PyInit__walker(void)
{
    return PyModuleDef_Init(&module_definition);
}
