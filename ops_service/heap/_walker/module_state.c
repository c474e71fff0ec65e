/* State of the module: types and objects that a walk needs, and the numbers of memory
 * regions.
 */
#include "module_state.h"

#include "child_handle.h"
#include "path_table.h"

#include <sys/mman.h>
#include <unistd.h>

void *
shared_map(size_t size)
{
    void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        return NULL;
    }
    return address;
}

RegionTable *
module_state_regions(ModuleState *state)
{
    /* A forked process gets its own table: if two processes extend one table, they may
     * give one number to two regions. */
    if (state->regions != NULL && state->regions_owner == getpid())
        return state->regions;
    RegionTable *table = shared_map(sizeof(RegionTable));
    if (table != NULL) {
        state->regions = table;
        state->regions_owner = getpid();
    }
    return table;
}

static PyTypeObject *
type_from(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    Py_XDECREF(module);
    if (type == NULL || !PyType_Check(type)) {
        /* Size its instances like those of an unknown type. */
        PyErr_Clear();
        Py_XDECREF(type);
        return NULL;
    }
    return (PyTypeObject *)type;
}

/* Query sizes that differ between patch releases; do not compile them in. */
static int
measure(Known *known)
{
    PyObject *getsizeof = PySys_GetObject("getsizeof");
    PyObject *zero = PyObject_CallFunction(getsizeof, "i", 0);
    PyObject *outer = PyObject_CallFunctionObjArgs(getsizeof, (PyObject *)&PyLong_Type, NULL);
    PyObject *inner = PyObject_CallMethod((PyObject *)&PyType_Type, "__sizeof__", "O", &PyLong_Type);
    if (zero != NULL && outer != NULL && inner != NULL) {
        known->zero_size = PyLong_AsSize_t(zero);
        known->static_header = PyLong_AsSize_t(outer) - PyLong_AsSize_t(inner);
    }
    Py_XDECREF(zero);
    Py_XDECREF(outer);
    Py_XDECREF(inner);
    return PyErr_Occurred() ? -1 : 0;
}

static int
is_dict(PyObject *target, void *Py_UNUSED(argument))
{
    return PyDict_CheckExact(target);
}

/* Asks the traversal of an instance that has a __dict__ whether it visits the dict. */
static int
find_shared_dict_unvisited(Known *known)
{
    PyObject *instance = PyObject_CallNoArgs((PyObject *)known->plain_class);
    PyObject *dict = NULL;
    if (instance != NULL && PyObject_SetAttrString(instance, "attribute", Py_None) == 0)
        dict = PyObject_GetAttrString(instance, "__dict__");
    if (dict != NULL)
        known->shared_dict_unvisited = !known->plain_class->tp_traverse(instance, is_dict, NULL);
    Py_XDECREF(dict);
    Py_XDECREF(instance);
    return dict == NULL ? -1 : 0;
}

static void
locate(Known *known)
{
    PyObject *sys = PyImport_ImportModule("sys");
    PyObject *builtins = PyImport_ImportModule("builtins");
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *garbage = gc == NULL ? NULL : PyObject_GetAttrString(gc, "garbage");
    PyObject *callbacks = gc == NULL ? NULL : PyObject_GetAttrString(gc, "callbacks");
    PyObject *thresholds = gc == NULL ? NULL : PyObject_CallMethod(gc, "get_threshold", NULL);
    int first, second, third;
    if (sys != NULL && builtins != NULL && garbage != NULL && callbacks != NULL &&
        thresholds != NULL && PyArg_ParseTuple(thresholds, "iii", &first, &second, &third)) {
        PyInterpreterState *interp = PyInterpreterState_Get();
        const Anchors anchors = {
            .thresholds = {first, second},
            .garbage = garbage,
            .callbacks = callbacks,
            .sys_dict = PyModule_GetDict(sys),
            .builtins_dict = PyModule_GetDict(builtins),
            .modules = PyImport_GetModuleDict(),
            .interpreter_dict = PyInterpreterState_GetDict(interp),
        };
        known->located = layout_locate(interp, &anchors);
    }
    Py_XDECREF(sys);
    Py_XDECREF(builtins);
    Py_XDECREF(gc);
    Py_XDECREF(garbage);
    Py_XDECREF(callbacks);
    Py_XDECREF(thresholds);
    /* Without what is missing, nothing is located, and the proof fails. */
    PyErr_Clear();
}

static int
known_open(Known *known)
{
    if (measure(known) < 0)
        return -1;
    PyObject *plain = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "Plain");
    if (plain == NULL)
        return -1;
    known->plain_class = (PyTypeObject *)plain;
    if (find_shared_dict_unvisited(known) < 0)
        return -1;
    known->deque = type_from("collections", "deque");
    known->ordered_dict = type_from("collections", "OrderedDict");
    known->array = type_from("array", "array");
    known->thread_local = type_from("_thread", "_local");
    locate(known);
    return 0;
}

int
module_state_open(PyObject *module)
{
    ModuleState *state = module_state(module);
    if (known_open(&state->known) < 0)
        return -1;
    PyObject *atexit = PyImport_ImportModule("atexit");
    if (atexit == NULL)
        return -1;
    state->atexit_count = PyObject_GetAttrString(atexit, "_ncallbacks");
    Py_DECREF(atexit);
    PyErr_Clear();
    state->child_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &child_spec, NULL);
    state->path_table_type = path_table_type(module);
    return state->child_type == NULL || state->path_table_type == NULL ? -1 : 0;
}

/* Only the classes made here, which lead back to the module. The others are the
 * application's as well: through them the module would stand on paths to what they hold. */
int
module_state_traverse(PyObject *module, visitproc visit, void *arg)
{
    ModuleState *state = module_state(module);
    Py_VISIT(state->known.plain_class);
    Py_VISIT(state->child_type);
    Py_VISIT(state->path_table_type);
    return 0;
}

int
module_state_clear(PyObject *module)
{
    ModuleState *state = module_state(module);
    Py_CLEAR(state->known.plain_class);
    Py_CLEAR(state->known.deque);
    Py_CLEAR(state->known.ordered_dict);
    Py_CLEAR(state->known.array);
    Py_CLEAR(state->known.thread_local);
    Py_CLEAR(state->known.arrays.type);
    Py_CLEAR(state->atexit_count);
    Py_CLEAR(state->child_type);
    Py_CLEAR(state->path_table_type);
    return 0;
}

void
module_state_free(void *module)
{
    ModuleState *state = module_state(module);
    module_state_clear(module);
    if (state->regions != NULL)
        munmap(state->regions, sizeof(RegionTable));
    state->regions = NULL;
}
