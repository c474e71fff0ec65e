/* What the interpreter keeps beside the heap: traces of allocations, threads.
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

/* File and line that allocated a block; 0 if they are not known. On CPython 3.11
 * the tables cannot be reached. */
static inline int
layout_site(const void *block, int steps_max, PyObject **file, unsigned *line)
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

/* ---- threads ---------------------------------------------------------------- */

#define LAYOUT_THREAD_PARTS 10

/* Objects that a thread state holds, by number; NULL where there is none. */
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
#endif
    default: *name = ""; return NULL;
    }
}

#endif
