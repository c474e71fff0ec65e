/* Starts a walking child: reads the call and the interpreter, and clones. */
#include "start.h"

#include "child.h"
#include "child_handle.h"
#include "module_state.h"
#include "start_arguments.h"

#include <errno.h>
#include <time.h>

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Number of callbacks of atexit; -1 if it does not report one. */
static int
atexit_count(const ModuleState *state)
{
    if (state->atexit_count == NULL)
        return -1;
    PyObject *count = PyObject_CallNoArgs(state->atexit_count);
    long number = count == NULL ? -1 : PyLong_AsLong(count);
    PyErr_Clear();
    Py_XDECREF(count);
    return (int)number;
}

/* Facts from the interpreter and the module. */
static int
read_interpreter(ModuleState *state, Settings *settings)
{
    settings->interp = PyInterpreterState_Get();
    settings->modules = PyImport_GetModuleDict();
    /* Asked here, where no thread can register another callback before the clone. */
    if (settings->kind == WALK_PROOF)
        settings->atexit_count = atexit_count(state);
    settings->known = state->known;
    settings->regions = module_state_regions(state);
    return settings->regions != NULL ? 0 : -1;
}

static Child *
child_new(const ModuleState *state)
{
    Child *child = PyObject_New(Child, state->child_type);
    if (child == NULL)
        return NULL;
    child->pid = child->pidfd = -1;
    child->shared = shared_map(sizeof(Shared));
    if (child->shared == NULL)
        Py_CLEAR(child);
    return child;
}

static Child *
clone_child(const ModuleState *state, Settings *settings, double begin)
{
    Child *child = child_new(state);
    if (child == NULL)
        return NULL;
    settings->shared = child->shared;
    child->pid = child_start(settings, &child->pidfd);
    int error_number = errno;
    child->pause = seconds_now() - begin;
    if (child->pid >= 0)
        return child;
    Py_DECREF(child);
    errno = error_number;
    PyErr_SetFromErrno(PyExc_OSError);
    return NULL;
}

PyObject *
start(PyObject *module, PyObject *args, PyObject *kwargs)
{
    ModuleState *state = module_state(module);
    Settings settings = {0};
    double begin = seconds_now();
    Child *child = NULL;
    if (read_arguments(state, &settings, args, kwargs) == 0 &&
        read_interpreter(state, &settings) == 0)
        child = clone_child(state, &settings, begin);
    PyMem_Free(settings.threads);
    PyMem_Free(settings.bounds.memory);
    return (PyObject *)child;
}
