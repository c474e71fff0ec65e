/* State of the interpreter outside the heap: traces of allocations, threads.
 * Included by layout.h, after the headers of CPython.
 */
#ifndef OPS_WALKER_LAYOUT_RUNTIME_H
#define OPS_WALKER_LAYOUT_RUNTIME_H

/* ---- tracemalloc -------------------------------------------------------------- */

#if LAYOUT_AT_LEAST(12)
#include <internal/pycore_hashtable.h>
#include <internal/pycore_runtime.h>

/* Private to Python/tracemalloc.c. */
typedef struct {
    size_t size;
    struct tracemalloc_traceback *traceback;
} layout_trace;
#endif

/* How tracemalloc keeps the name of a file. */
#if LAYOUT_AT_LEAST(15)
typedef const char *layout_file;
#else
typedef PyObject *layout_file;
#endif

/* The name as an object, or as characters up to a zero; the other one is NULL. */
static inline PyObject *
layout_file_object(layout_file file)
{
#if LAYOUT_AT_LEAST(15)
    (void)file;
    return NULL;
#else
    return file;
#endif
}

static inline const char *
layout_file_characters(layout_file file)
{
#if LAYOUT_AT_LEAST(15)
    return file;
#else
    (void)file;
    return NULL;
#endif
}

/* File and line that allocated a block. Returns 0 if unknown. On CPython 3.11 the
 * tables are not accessible. */
static inline int
layout_site(const void *block, int steps_max, layout_file *file, unsigned *line)
{
#if LAYOUT_AT_LEAST(12)
    const _Py_hashtable_t *traces = _PyRuntime.tracemalloc.traces;
    if (!_PyRuntime.tracemalloc.config.tracing || traces == NULL || traces->nbuckets == 0)
        return 0;
    Py_uhash_t hash = traces->hash_func(block);
    const _Py_slist_item_t *item = traces->buckets[hash & (traces->nbuckets - 1)].head;
    for (int steps = 0; item != NULL && steps < steps_max; steps++, item = item->next) {
        const _Py_hashtable_entry_t *entry = (const _Py_hashtable_entry_t *)item;
        if (entry->key != block)
            continue;
        const layout_trace *trace = entry->value;
        if (trace->traceback == NULL || trace->traceback->nframe == 0)
            return 0;
        *file = trace->traceback->frames[0].filename;
        *line = trace->traceback->frames[0].lineno;
        return 1;
    }
#else
    (void)block, (void)steps_max, (void)file, (void)line;
#endif
    return 0;
}

/* ---- the interpreter -------------------------------------------------------------- */

#define LAYOUT_INTERPRETER_PARTS 17

/* Objects that the interpreter holds, by number; NULL if there is none. */
static inline PyObject *
layout_interpreter_part(PyInterpreterState *interp, int number, const char **name)
{
    switch (number) {
    case 0: *name = "builtins"; return interp->builtins;
    case 1: *name = "dict"; return interp->dict;
    case 2: *name = "builtins_copy"; return interp->builtins_copy;
    case 3: *name = "os.register_at_fork.before"; return interp->before_forkers;
    case 4: *name = "os.register_at_fork.after_in_parent"; return interp->after_forkers_parent;
    case 5: *name = "os.register_at_fork.after_in_child"; return interp->after_forkers_child;
#if LAYOUT_AT_LEAST(13)
    case 6: *name = "codecs.search_path"; return interp->codecs.search_path;
    case 7: *name = "codecs.search_cache"; return interp->codecs.search_cache;
    case 8: *name = "codecs.error_registry"; return interp->codecs.error_registry;
#else
    case 6: *name = "codecs.search_path"; return interp->codec_search_path;
    case 7: *name = "codecs.search_cache"; return interp->codec_search_cache;
    case 8: *name = "codecs.error_registry"; return interp->codec_error_registry;
#endif
#if LAYOUT_AT_LEAST(12)
    case 9: *name = "importlib"; return interp->imports.importlib;
    case 10: *name = "modules_by_index"; return interp->imports.modules_by_index;
    case 11: *name = "sysdict_copy"; return interp->sysdict_copy;
    case 12: *name = "import_func"; return interp->imports.import_func;
#else
    case 9: *name = "importlib"; return interp->importlib;
    case 10: *name = "modules_by_index"; return interp->modules_by_index;
    case 11: *name = "import_func"; return interp->import_func;
#endif
#if LAYOUT_AT_LEAST(15)
    /* Lazy imports are objects in these, too. They are read and never resolved. */
    case 13: *name = "lazy_import_func"; return interp->imports.lazy_import_func;
    case 14: *name = "lazy_imports_filter"; return interp->imports.lazy_imports_filter;
    case 15: *name = "lazy_modules"; return interp->imports.lazy_modules;
    case 16: *name = "lazy_pending_submodules"; return interp->imports.lazy_pending_submodules;
#endif
    default: *name = ""; return NULL;
    }
}

/* Function, arguments and keywords of an atexit callback. Returns 0 past the last one.
 * From CPython 3.14 on a list holds all callbacks, and it is the only part. */
static inline int
layout_atexit(PyInterpreterState *interp, int number, PyObject *parts[3])
{
#if LAYOUT_AT_LEAST(14)
    parts[0] = interp->atexit.callbacks;
    parts[1] = parts[2] = NULL;
    return number == 0 && parts[0] != NULL;
#else
    if (number >= interp->atexit.ncallbacks || interp->atexit.callbacks == NULL)
        return 0;
    parts[0] = parts[1] = parts[2] = NULL;
    if (interp->atexit.callbacks[number] != NULL) {
        parts[0] = interp->atexit.callbacks[number]->func;
        parts[1] = interp->atexit.callbacks[number]->args;
        parts[2] = interp->atexit.callbacks[number]->kwargs;
    }
    return 1;
#endif
}

static inline Py_ssize_t
layout_atexit_count(PyInterpreterState *interp)
{
#if LAYOUT_AT_LEAST(14)
    PyObject *callbacks = interp->atexit.callbacks;
    return callbacks == NULL || !PyList_CheckExact(callbacks) ? -1
                                                              : ((PyVarObject *)callbacks)->ob_size;
#else
    return interp->atexit.ncallbacks;
#endif
}

/* Whether these fields are where the walker expects them: the fields on both sides
 * of them match the values that Python reports. */
static inline int
layout_interpreter_holds(PyInterpreterState *interp, PyObject *sys_dict, PyObject *own_dict,
                         int atexit_count)
{
    return interp->sysdict == sys_dict && interp->dict == own_dict && own_dict != NULL &&
           layout_atexit_count(interp) == atexit_count;
}

/* The dict of weak references to a type's subclasses, if it has any. */
static inline PyObject *
layout_type_subclasses(PyInterpreterState *interp, PyTypeObject *type)
{
    PyObject *subclasses = (PyObject *)type->tp_subclasses;
#if LAYOUT_AT_LEAST(12)
    if (type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN) {
        /* Kept per interpreter; the field of the type holds an index. */
        size_t index = (size_t)type->tp_subclasses - 1;
#if LAYOUT_AT_LEAST(13)
        if (index >= _Py_MAX_MANAGED_STATIC_BUILTIN_TYPES ||
            interp->types.builtins.initialized[index].type != type)
            return NULL;
        subclasses = interp->types.builtins.initialized[index].tp_subclasses;
#else
        if (index >= _Py_MAX_STATIC_BUILTIN_TYPES || interp->types.builtins[index].type != type)
            return NULL;
        subclasses = interp->types.builtins[index].tp_subclasses;
#endif
    }
#else
    (void)interp;
#endif
    return subclasses != NULL && PyDict_CheckExact(subclasses) ? subclasses : NULL;
}

/* ---- threads ---------------------------------------------------------------- */

#define LAYOUT_THREAD_PARTS 12

/* Objects that a thread state holds, by number; NULL if there is none. */
static inline PyObject *
layout_thread_part(PyThreadState *thread, int number, const char **name)
{
    switch (number) {
    case 0: *name = "dict"; return thread->dict;
    case 1: *name = "context"; return thread->context;
    case 2: *name = "async_exc"; return thread->async_exc;
    case 3: *name = "async_gen_firstiter"; return thread->async_gen_firstiter;
    case 4: *name = "async_gen_finalizer"; return thread->async_gen_finalizer;
    case 5: *name = "profile"; return thread->c_profileobj;
    case 6: *name = "trace"; return thread->c_traceobj;
#if LAYOUT_AT_LEAST(12)
    case 7: *name = "exception"; return thread->current_exception;
#else
    case 7: *name = "exception"; return thread->curexc_value;
    case 8: *name = "exception_type"; return thread->curexc_type;
    case 9: *name = "exception_traceback"; return thread->curexc_traceback;
#endif
#if LAYOUT_AT_LEAST(13)
    case 8: *name = "threading_local_key"; return thread->threading_local_key;
    case 9: *name = "threading_local_sentinel"; return thread->threading_local_sentinel;
#endif
#if LAYOUT_AT_LEAST(14)
    /* Never lazy_imports of 3.15: its place depends on a flag of the build that an
     * extension does not get. */
    case 10: *name = "running_loop"; return ((_PyThreadStateImpl *)thread)->asyncio_running_loop;
    case 11: *name = "running_task"; return ((_PyThreadStateImpl *)thread)->asyncio_running_task;
#endif
    default: *name = ""; return NULL;
    }
}

#endif
