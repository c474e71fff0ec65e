/* Converts the arguments of `start` to the settings of a walk. The settings of one kind of
 * walk come as one argument, its detail.
 */
#include "start_arguments.h"

#include "content.h"
#include "path_table.h"

#include <string.h>

/* ---- settings of every kind ------------------------------------------------------ */

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
        /* Do not cut inside a character. */
        size_t length = strlen(thread->name);
        if (name[length] != 0)
            while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80)
                thread->name[--length] = 0;
    }
    return 0;
}

static int
read_memory_bounds(Bounds *to, PyObject *bounds)
{
    Py_ssize_t count = PyTuple_GET_SIZE(bounds);
    if (count > MEMORY_BOUNDS_MAX)
        count = MEMORY_BOUNDS_MAX;
    to->memory = PyMem_Calloc((size_t)count + 1, sizeof(MemoryBound));
    if (to->memory == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *usage, *stat, *field;
        unsigned long long bytes;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(bounds, i), "sssK", &usage, &stat, &field, &bytes))
            return -1;
        MemoryBound *bound = &to->memory[to->memory_count++];
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

static int
read_bounds(Bounds *to, PyObject *bounds)
{
    unsigned long long mapped, copied;
    PyObject *memory;
    if (!PyArg_ParseTuple(bounds, "dKKdO!", &to->lifetime, &mapped, &copied, &to->cpu_rate,
                          &PyTuple_Type, &memory))
        return -1;
    to->mapped = mapped;
    to->copied = copied;
    return read_memory_bounds(to, memory);
}

static int
read_site(SiteProbe *to, PyObject *site)
{
    if (site == Py_None)
        return 0;
    return PyArg_ParseTuple(site, "OsI", &to->object, &to->file, &to->line) ? 0 : -1;
}

/* ---- settings of one kind -------------------------------------------------------- */

static int
read_snapshot(SnapshotSettings *to, PyObject *detail)
{
    unsigned long long max_objects;
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(detail, "Kinp", &max_objects, &to->content_level, &limit,
                          &to->hash_strings))
        return -1;
    if (limit < 0 || limit > (Py_ssize_t)CONTENT_LIMIT_MAX) {
        PyErr_Format(PyExc_ValueError, "a content's limit is at most %u bytes", CONTENT_LIMIT_MAX);
        return -1;
    }
    to->max_objects = max_objects;
    to->content_limit = (size_t)limit;
    return 0;
}

static int
read_referrers(ReferrersSettings *to, PyObject *detail)
{
    unsigned long long id;
    if (!PyArg_ParseTuple(detail, "Ksd", &id, &to->type, &to->seconds))
        return -1;
    to->id = id;
    return 0;
}

static int
read_detail(const ModuleState *state, Settings *settings, PyObject *detail)
{
    switch (settings->kind) {
    case WALK_SNAPSHOT:
        return read_snapshot(&settings->snapshot, detail);
    case WALK_GROWTH:
        settings->growth.table = path_table_of(detail, state->path_table_type);
        return settings->growth.table != NULL ? 0 : -1;
    case WALK_REFERRERS:
        return read_referrers(&settings->referrers, detail);
    case WALK_CENSUS:
        return 0;
    case WALK_PROOF:
        settings->proof = detail;
        if (PyTuple_Check(detail))
            return 0;
        PyErr_SetString(PyExc_TypeError, "what is planted must be a tuple");
        return -1;
    default:
        PyErr_SetString(PyExc_ValueError, "there is no such kind of walk");
        return -1;
    }
}

/* ---- the call -------------------------------------------------------------------- */

int
read_arguments(const ModuleState *state, Settings *settings, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"kind", "output", "bounds", "roots", "own", "threads", "site",
                            "detail", NULL};
    int kind;
    PyObject *bounds, *roots, *own, *threads, *site = Py_None, *detail = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iiO!O!O!O!|OO", names, &kind,
                                     &settings->output, &PyTuple_Type, &bounds, &PyTuple_Type,
                                     &roots, &PyTuple_Type, &own, &PyTuple_Type, &threads, &site,
                                     &detail))
        return -1;
    settings->kind = kind >= 0 && kind < WALK_KINDS ? (WalkKind)kind : WALK_KINDS;
    settings->own = ((PyTupleObject *)own)->ob_item;
    settings->own_count = (int)PyTuple_GET_SIZE(own);
    settings->call[0] = args;
    settings->call[1] = kwargs;
    if (read_detail(state, settings, detail) < 0 || read_bounds(&settings->bounds, bounds) < 0 ||
        read_roots(settings, roots) < 0 || read_threads(settings, threads) < 0)
        return -1;
    return read_site(&settings->site, site);
}
