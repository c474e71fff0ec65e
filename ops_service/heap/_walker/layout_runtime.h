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
 * tables are not accessible. The state stands `moved` bytes from its compiled place; a place
 * that holds anything else is not followed. */
static inline int
layout_site(const void *block, Py_ssize_t moved, int steps_max, layout_file *file, unsigned *line)
{
#if LAYOUT_AT_LEAST(12)
    const struct _tracemalloc_runtime_state *state = &LAYOUT_FIELD(&_PyRuntime, tracemalloc, moved);
    const _Py_hashtable_t *traces = state->traces;
    if (state->config.initialized != TRACEMALLOC_INITIALIZED || state->config.tracing != 1 ||
        state->config.max_nframe < 1 || state->config.max_nframe > UINT16_MAX || traces == NULL ||
        ((uintptr_t)traces & (sizeof(void *) - 1)) != 0 || traces->nbuckets == 0)
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
    (void)block, (void)moved, (void)steps_max, (void)file, (void)line;
#endif
    return 0;
}

/* ---- the interpreter -------------------------------------------------------------- */

#define LAYOUT_INTERPRETER_PARTS 17
/* Namespaces of modules, and copies of them; the other dicts hold data. */
#define LAYOUT_IS_NAMESPACE(number) ((number) == 0 || (number) == 2)

/* Objects that the interpreter holds, by number; NULL if there is none. */
static inline PyObject *
layout_interpreter_part(PyInterpreterState *interp, const Located *at, int number,
                        const char **name)
{
#define FIELD(field, part) LAYOUT_FIELD(interp, field, at->part)
    switch (number) {
    case 0: *name = "builtins"; return FIELD(builtins, names);
    case 1: *name = "dict"; return FIELD(dict, own);
    case 2: *name = "builtins_copy"; return FIELD(builtins_copy, own);
    case 3: *name = "os.register_at_fork.before"; return FIELD(before_forkers, own);
    case 4: *name = "os.register_at_fork.after_in_parent"; return FIELD(after_forkers_parent, own);
    case 5: *name = "os.register_at_fork.after_in_child"; return FIELD(after_forkers_child, own);
#if LAYOUT_AT_LEAST(13)
    case 6: *name = "codecs.search_path"; return FIELD(codecs.search_path, imports);
    case 7: *name = "codecs.search_cache"; return FIELD(codecs.search_cache, imports);
    case 8: *name = "codecs.error_registry"; return FIELD(codecs.error_registry, imports);
#else
    case 6: *name = "codecs.search_path"; return FIELD(codec_search_path, imports);
    case 7: *name = "codecs.search_cache"; return FIELD(codec_search_cache, imports);
    case 8: *name = "codecs.error_registry"; return FIELD(codec_error_registry, imports);
#endif
#if LAYOUT_AT_LEAST(12)
    case 9: *name = "importlib"; return FIELD(imports.importlib, imports);
    case 10: *name = "modules_by_index"; return FIELD(imports.modules_by_index, imports);
    case 11: *name = "sysdict_copy"; return FIELD(sysdict_copy, own);
    case 12: *name = "import_func"; return FIELD(imports.import_func, imports);
#else
    case 9: *name = "importlib"; return FIELD(importlib, imports);
    case 10: *name = "modules_by_index"; return FIELD(modules_by_index, imports);
    case 11: *name = "import_func"; return FIELD(import_func, imports);
#endif
#if LAYOUT_AT_LEAST(15)
    /* Lazy imports are objects in these, too. They are read and never resolved. */
    case 13: *name = "lazy_import_func"; return FIELD(imports.lazy_import_func, imports);
    case 14: *name = "lazy_imports_filter"; return FIELD(imports.lazy_imports_filter, imports);
    case 15: *name = "lazy_modules"; return FIELD(imports.lazy_modules, imports);
    case 16: *name = "lazy_pending_submodules"; return FIELD(imports.lazy_pending_submodules, imports);
#endif
    default: *name = ""; return NULL;
    }
#undef FIELD
}

/* Function, arguments and keywords of an atexit callback. Returns 0 past the last one.
 * From CPython 3.14 on a list holds all callbacks, and it is the only part. */
static inline int
layout_atexit(PyInterpreterState *interp, const Located *at, int number, PyObject *parts[3])
{
#if LAYOUT_AT_LEAST(14)
    parts[0] = LAYOUT_FIELD(interp, atexit.callbacks, at->own);
    parts[1] = parts[2] = NULL;
    return number == 0 && parts[0] != NULL;
#else
    struct atexit_state *state = &LAYOUT_FIELD(interp, atexit, at->own);
    if (number >= state->ncallbacks || state->callbacks == NULL)
        return 0;
    parts[0] = parts[1] = parts[2] = NULL;
    if (state->callbacks[number] != NULL) {
        parts[0] = state->callbacks[number]->func;
        parts[1] = state->callbacks[number]->args;
        parts[2] = state->callbacks[number]->kwargs;
    }
    return 1;
#endif
}

static inline Py_ssize_t
layout_atexit_count(PyInterpreterState *interp, const Located *at)
{
#if LAYOUT_AT_LEAST(14)
    PyObject *callbacks = LAYOUT_FIELD(interp, atexit.callbacks, at->own);
    if (callbacks == NULL)
        return 0;
    return PyList_CheckExact(callbacks) ? ((PyVarObject *)callbacks)->ob_size : -1;
#else
    return LAYOUT_FIELD(interp, atexit, at->own).ncallbacks;
#endif
}

/* Where an interpreter keeps its GIL; NULL where all share one. An interpreter that is being
 * created or ended keeps NULL there. */
static inline void *const *
layout_gil(PyInterpreterState *interp, const Located *at)
{
#if LAYOUT_AT_LEAST(12)
    return (void *const *)&LAYOUT_FIELD(interp, ceval.gil, at->gil);
#else
    (void)interp, (void)at;
    return NULL;
#endif
}

/* Whether the calling thread holds the GIL of an interpreter, by what is read of it. */
static inline int
layout_gil_is_held(PyInterpreterState *interp, const Located *at)
{
#if LAYOUT_AT_LEAST(12)
    const struct _gil_runtime_state *gil = *layout_gil(interp, at);
    return locate_is_held(interp, gil) || locate_is_held(PyInterpreterState_Main(), gil);
#else
    (void)interp, (void)at;
    return 1;
#endif
}

/* The dict of a builtin static type that an interpreter keeps for itself, by number; NULL if
 * there is none. Returns 0 past the last one. */
static inline int
layout_builtin_dict(PyInterpreterState *interp, const Located *at, size_t number, PyObject **dict)
{
#if LAYOUT_AT_LEAST(12)
    if (number >= sizeof LAYOUT_BUILTIN_TYPES(interp) / sizeof *LAYOUT_BUILTIN_TYPES(interp))
        return 0;
    *dict = LAYOUT_FIELD(interp, LAYOUT_BUILTIN_STATE[number], at->types).tp_dict;
    return 1;
#else
    (void)interp, (void)at, (void)number;
    *dict = NULL;
    return 0;
#endif
}

/* Whether the offsets that CPython publishes agree with the compiled ones and with what was
 * located. Before 3.13 there are none. */
static inline int
layout_published_holds(const Located *at)
{
#if LAYOUT_AT_LEAST(13)
    const struct _Py_DebugOffsets *told = &_PyRuntime.debug_offsets;
    if (memcmp(told->cookie, _Py_Debug_Cookie, sizeof told->cookie) != 0 || told->free_threaded)
        return 0;
    const struct {
        uint64_t told;
        uint64_t read;
    } offsets[] = {
        {told->interpreter_state.gc, offsetof(PyInterpreterState, gc) + (uint64_t)at->gc},
        {told->interpreter_state.sysdict,
         offsetof(PyInterpreterState, sysdict) + (uint64_t)at->names},
        {told->interpreter_state.imports_modules,
         offsetof(PyInterpreterState, imports.modules) + (uint64_t)at->imports},
        {told->interpreter_state.next, offsetof(PyInterpreterState, next)},
        {told->interpreter_state.id, offsetof(PyInterpreterState, id)},
        {told->interpreter_state.ceval_gil,
         offsetof(PyInterpreterState, ceval.gil) + (uint64_t)at->gil},
        {told->thread_state.current_frame, offsetof(PyThreadState, current_frame)},
        {told->thread_state.next, offsetof(PyThreadState, next)},
        {told->interpreter_frame.previous, offsetof(layout_frame, previous)},
        {told->interpreter_frame.executable, offsetof(layout_frame, f_executable)},
        {told->interpreter_frame.localsplus, offsetof(layout_frame, localsplus)},
        {told->interpreter_frame.owner, offsetof(layout_frame, owner)},
        {told->code_object.localsplusnames, offsetof(PyCodeObject, co_localsplusnames)},
        {told->type_object.tp_flags, offsetof(PyTypeObject, tp_flags)},
        {told->list_object.ob_item, offsetof(PyListObject, ob_item)},
        {told->tuple_object.ob_item, offsetof(PyTupleObject, ob_item)},
    };
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
        if (offsets[i].told != offsets[i].read)
            return 0;
#else
    (void)at;
#endif
    return 1;
}

/* The dict of weak references to a type's subclasses, if it has any. */
static inline PyObject *
layout_type_subclasses(PyInterpreterState *interp, const Located *at, PyTypeObject *type)
{
    PyObject *subclasses = (PyObject *)type->tp_subclasses;
#if LAYOUT_AT_LEAST(12)
    if (type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN) {
        /* Kept per interpreter; the field of the type holds an index. */
        size_t index = (size_t)type->tp_subclasses - 1;
        if (index >= sizeof LAYOUT_BUILTIN_TYPES(interp) / sizeof *LAYOUT_BUILTIN_TYPES(interp) ||
            LAYOUT_FIELD(interp, LAYOUT_BUILTIN_STATE[index], at->types).type != type)
            return NULL;
        subclasses = LAYOUT_FIELD(interp, LAYOUT_BUILTIN_STATE[index], at->types).tp_subclasses;
    }
#else
    (void)interp, (void)at;
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
