/* The Python module: starts a child that walks. */
#include "walker.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Types and objects that a walk needs to know, looked up once. */
static struct {
    size_t zero_size;
    size_t static_header;
    PyTypeObject *plain_class;
    PyTypeObject *deque;
    PyTypeObject *ordered_dict;
    PyTypeObject *array;
    PyTypeObject *thread_local;
    PyObject *sys_dict;
    PyObject *atexit_count;
    PyTypeObject *child_type;
    PyTypeObject *path_table_type;
    RegionTable *regions;
    pid_t regions_owner;
} module_state;

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *
shared_map(size_t size)
{
    void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        return NULL;
    }
    return address;
}

static RegionTable *
regions_get(void)
{
    /* A process that the host forked gets a table of its own: two that extend
     * one table would give one number to two regions. */
    if (module_state.regions != NULL && module_state.regions_owner == getpid())
        return module_state.regions;
    RegionTable *table = shared_map(sizeof(RegionTable));
    if (table != NULL) {
        module_state.regions = table;
        module_state.regions_owner = getpid();
    }
    return table;
}

static PyObject *
path_table(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return path_table_new(module_state.path_table_type);
}

/* ---- start --------------------------------------------------------------------- */

static int
read_roots(Settings *settings, PyObject *roots)
{
    Py_ssize_t count = PyTuple_GET_SIZE(roots);
    for (Py_ssize_t i = 0; i < count && i < ROOT_OBJECTS_MAX; i++) {
        PyObject *object;
        const char *name;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(roots, i), "Os", &object, &name))
            return -1;
        settings->roots[i] = (RootObject){.object = object, .name = name};
        settings->root_count++;
    }
    return 0;
}

static int
read_threads(Settings *settings, PyObject *threads)
{
    Py_ssize_t count = PyTuple_GET_SIZE(threads);
    settings->threads = PyMem_Calloc((size_t)count + 1, sizeof(ThreadName));
    if (settings->threads == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        unsigned long long ident;
        const char *name;
        int own;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(threads, i), "Ksp", &ident, &name, &own))
            return -1;
        ThreadName *thread = &settings->threads[settings->thread_count++];
        thread->ident = ident;
        thread->own = own;
        PyOS_snprintf(thread->name, sizeof thread->name, "%s", name);
        /* Not in the middle of a character. */
        size_t length = strlen(thread->name);
        if (name[length] != 0)
            while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80)
                thread->name[--length] = 0;
    }
    return 0;
}

static int
read_bounds(Settings *settings, PyObject *bounds)
{
    Py_ssize_t count = PyTuple_GET_SIZE(bounds);
    if (count > MEMORY_BOUNDS_MAX)
        count = MEMORY_BOUNDS_MAX;
    settings->memory_bounds = PyMem_Calloc((size_t)count + 1, sizeof(MemoryBound));
    if (settings->memory_bounds == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *usage, *stat, *field;
        unsigned long long bytes;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(bounds, i), "sssK", &usage, &stat, &field, &bytes))
            return -1;
        MemoryBound *bound = &settings->memory_bounds[settings->memory_bound_count++];
        if (strlen(usage) >= PATH_ROOM || strlen(stat) >= PATH_ROOM || strlen(field) >= 32) {
            PyErr_SetString(PyExc_ValueError, "a path of a memory bound is too long");
            return -1;
        }
        strcpy(bound->usage_path, usage);
        strcpy(bound->stat_path, stat);
        strcpy(bound->field, field);
        bound->bytes = bytes;
    }
    return 0;
}

/* How many callbacks atexit has; -1 if it does not tell. */
static int
atexit_count(void)
{
    if (module_state.atexit_count == NULL)
        return -1;
    PyObject *count = PyObject_CallNoArgs(module_state.atexit_count);
    long number = count == NULL ? -1 : PyLong_AsLong(count);
    PyErr_Clear();
    Py_XDECREF(count);
    return (int)number;
}

static PyObject *
start(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"output", "census", "lifetime_limit", "memory_limit", "copied_limit",
                            "max_objects", "memory_bounds", "cpu_rate", "roots", "own", "threads",
                            "site", "content", "proof", "paths", "referrers", NULL};
    Settings settings = {0};
    PyObject *bounds, *roots, *own, *threads, *site, *content, *proof, *paths = NULL,
             *referrers = NULL;
    Py_ssize_t content_limit;
    unsigned long long memory_limit, copied_limit, max_objects;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "ipdKKKO!dO!O!O!OO!O|OO", names, &settings.output, &settings.census,
            &settings.lifetime_limit, &memory_limit, &copied_limit, &max_objects,
            &PyTuple_Type, &bounds, &settings.cpu_rate, &PyTuple_Type, &roots, &PyTuple_Type, &own, &PyTuple_Type, &threads,
            &site, &PyTuple_Type, &content, &proof, &paths, &referrers))
        return NULL;
    if (proof != Py_None && !PyTuple_Check(proof)) {
        PyErr_SetString(PyExc_TypeError, "proof must be a tuple or None");
        return NULL;
    }
    if (site != Py_None && !PyArg_ParseTuple(site, "OsI", &settings.site_probe, &settings.site_file,
                                             &settings.site_line))
        return NULL;
    if (!PyArg_ParseTuple(content, "inp", &settings.content_level, &content_limit,
                          &settings.hash_strings))
        return NULL;
    if (content_limit < 0 || content_limit > (Py_ssize_t)CONTENT_LIMIT_MAX) {
        PyErr_Format(PyExc_ValueError, "a content's limit is at most %u bytes", CONTENT_LIMIT_MAX);
        return NULL;
    }
    settings.content_limit = (size_t)content_limit;
    if (paths != NULL && paths != Py_None) {
        settings.paths = path_table_of(paths, module_state.path_table_type);
        if (settings.paths == NULL)
            return NULL;
    }
    if (referrers != NULL && referrers != Py_None) {
        unsigned long long id;
        settings.finds_referrers = 1;
        if (!PyArg_ParseTuple(referrers, "Ksd", &id, &settings.referrers_of_type,
                              &settings.referrers_seconds))
            return NULL;
        settings.referrers_of = id;
    }
    double begin = seconds_now();
    settings.proof = proof == Py_None ? NULL : proof;
    settings.census = settings.census || settings.proof != NULL;
    settings.memory_limit = memory_limit;
    settings.copied_limit = copied_limit;
    settings.max_objects = max_objects;
    settings.interp = PyInterpreterState_Get();
    settings.modules = PyImport_GetModuleDict();
    settings.zero_size = module_state.zero_size;
    settings.static_header = module_state.static_header;
    settings.plain_class = module_state.plain_class;
    settings.deque = module_state.deque;
    settings.ordered_dict = module_state.ordered_dict;
    settings.array = module_state.array;
    settings.thread_local = module_state.thread_local;
    arrays_known(&settings.arrays);
    settings.sys_dict = module_state.sys_dict;
    settings.interpreter_dict = PyInterpreterState_GetDict(settings.interp);
    settings.atexit_count = atexit_count();
    Child *child = PyObject_New(Child, module_state.child_type);
    if (child == NULL)
        return NULL;
    child->pid = child->pidfd = -1;
    child->shared = shared_map(sizeof(Shared));
    settings.shared = child->shared;
    settings.own = ((PyTupleObject *)own)->ob_item;
    settings.call[0] = args;
    settings.call[1] = kwargs;
    settings.own_count = (int)PyTuple_GET_SIZE(own);
    settings.regions = regions_get();
    if (child->shared == NULL || settings.regions == NULL || read_roots(&settings, roots) < 0 ||
        read_threads(&settings, threads) < 0 || read_bounds(&settings, bounds) < 0) {
        PyMem_Free(settings.threads);
        PyMem_Free(settings.memory_bounds);
        Py_DECREF(child);
        return NULL;
    }
    child->pid = child_start(&settings, &child->pidfd);
    int error_number = errno;
    PyMem_Free(settings.threads);
    PyMem_Free(settings.memory_bounds);
    child->pause = seconds_now() - begin;
    if (child->pid < 0) {
        Py_DECREF(child);
        errno = error_number;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return (PyObject *)child;
}

static PyObject *
find_object(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned long long id;
    const char *type;
    double seconds;
    if (!PyArg_ParseTuple(args, "Ksd", &id, &type, &seconds))
        return NULL;
    PyObject *found = NULL;
    LookupEnd end = lookup_find(regions_get(), id, type, seconds, &found);
    /* At once: a collection, which the tuple may begin, could free it. */
    Py_XINCREF(found);
    return end == LOOKUP_FOUND ? Py_BuildValue("(iN)", (int)end, found)
                               : Py_BuildValue("(is)", (int)end, NULL);
}

static PyObject *
find_instances(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyTypeObject *type;
    double seconds;
    if (!PyArg_ParseTuple(args, "O!d", &PyType_Type, &type, &seconds))
        return NULL;
    PyObject *list = PyList_New(0);
    int end = list == NULL ? -1 : lookup_instances(type, seconds, list);
    if (end < 0) {
        Py_XDECREF(list);
        return NULL;
    }
    return Py_BuildValue("(NO)", list, end == LOOKUP_FOUND ? Py_True : Py_False);
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
    {"arena_statistics", (PyCFunction)arena_statistics, METH_NOARGS,
     "What CPython prints of its small-object arenas, as bytes. Empty if it keeps none."},
    {"learn_arrays", learn_arrays, METH_VARARGS,
     "Find out the layout of NumPy's arrays from samples; whether it was found."},
    {NULL, NULL, 0, NULL},
};

/* ---- module ---------------------------------------------------------------------- */

static PyTypeObject *
type_from(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    Py_XDECREF(module);
    if (type == NULL || !PyType_Check(type)) {
        /* Instances of it will be sized as unknown types are. */
        PyErr_Clear();
        Py_XDECREF(type);
        return NULL;
    }
    return (PyTypeObject *)type;
}

/* Sizes that differ between patch releases are asked for, not compiled in. */
static int
measure(void)
{
    PyObject *getsizeof = PySys_GetObject("getsizeof");
    PyObject *zero = PyObject_CallFunction(getsizeof, "i", 0);
    PyObject *outer = PyObject_CallFunctionObjArgs(getsizeof, (PyObject *)&PyLong_Type, NULL);
    PyObject *inner = PyObject_CallMethod((PyObject *)&PyType_Type, "__sizeof__", "O", &PyLong_Type);
    if (zero != NULL && outer != NULL && inner != NULL) {
        module_state.zero_size = PyLong_AsSize_t(zero);
        module_state.static_header = PyLong_AsSize_t(outer) - PyLong_AsSize_t(inner);
    }
    Py_XDECREF(zero);
    Py_XDECREF(outer);
    Py_XDECREF(inner);
    return PyErr_Occurred() ? -1 : 0;
}

static int
module_exec(PyObject *module)
{
    if (measure() < 0)
        return -1;
    PyObject *plain = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "Plain");
    if (plain == NULL)
        return -1;
    module_state.plain_class = (PyTypeObject *)plain;
    module_state.deque = type_from("collections", "deque");
    module_state.ordered_dict = type_from("collections", "OrderedDict");
    module_state.array = type_from("array", "array");
    module_state.thread_local = type_from("_thread", "_local");
    PyObject *sys = PyImport_ImportModule("sys");
    if (sys == NULL)
        return -1;
    module_state.sys_dict = PyModule_GetDict(sys);
    Py_DECREF(sys);
    PyObject *atexit = PyImport_ImportModule("atexit");
    if (atexit == NULL)
        return -1;
    module_state.atexit_count = PyObject_GetAttrString(atexit, "_ncallbacks");
    Py_DECREF(atexit);
    PyErr_Clear();
    module_state.child_type = (PyTypeObject *)PyType_FromSpec(&child_spec);
    module_state.path_table_type = path_table_type();
    if (module_state.child_type == NULL || module_state.path_table_type == NULL)
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
    .m_size = 0,
    .m_methods = module_methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__walker(void)
{
    return PyModuleDef_Init(&module_definition);
}
