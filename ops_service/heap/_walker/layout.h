/* Every line of the walker that depends on the CPython version.
 *
 * The walker reads objects of a process that may not run any code, so it cannot
 * ask the interpreter and reads its structures instead. Whatever is read
 * through this header is proved against the interpreter's own answers before
 * the first use (proof.c).
 */
#ifndef OPS_WALKER_LAYOUT_H
#define OPS_WALKER_LAYOUT_H

#define PY_SSIZE_T_CLEAN
#define Py_BUILD_CORE 1
#include <Python.h>

#if PY_VERSION_HEX < 0x030b0000 || PY_VERSION_HEX >= 0x030e0000
#error "The walker knows CPython 3.11 to 3.13."
#endif
#ifdef Py_GIL_DISABLED
#error "The walker does not know free-threaded builds."
#endif
#ifdef PYPY_VERSION
#error "The walker does not know PyPy."
#endif

#include <frameobject.h>
#include <internal/pycore_code.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_moduleobject.h>
#include <internal/pycore_object.h>

#define LAYOUT_AT_LEAST(minor) (PY_VERSION_HEX >= (0x03000000 | ((minor) << 16)))

/* ---- garbage collector lists ------------------------------------------- */

#define LAYOUT_GC_LISTS (NUM_GENERATIONS + 1)

static inline PyGC_Head *
layout_gc_list(PyInterpreterState *interp, int number)
{
    struct _gc_runtime_state *gc = &interp->gc;
    return number < NUM_GENERATIONS ? &gc->generations[number].head
                                    : &gc->permanent_generation.head;
}

static inline PyGC_Head *
layout_gc_next(PyGC_Head *node)
{
    /* The low bits are marks of a collection under way. */
    return (PyGC_Head *)(node->_gc_next & ~(uintptr_t)3);
}

static inline PyGC_Head *
layout_gc_previous(PyGC_Head *node)
{
    return (PyGC_Head *)(node->_gc_prev & _PyGC_PREV_MASK);
}

static inline PyObject *
layout_gc_object(PyGC_Head *node)
{
    return (PyObject *)(node + 1);
}

static inline int
layout_is_tracked(PyObject *object)
{
    return PyObject_IS_GC(object) && ((PyGC_Head *)object - 1)->_gc_next != 0;
}

/* ---- objects ------------------------------------------------------------ */

static inline int
layout_is_immortal(PyObject *object)
{
#if LAYOUT_AT_LEAST(12)
    return _Py_IsImmortal(object);
#else
    (void)object;
    return 0;
#endif
}

static inline Py_ssize_t
layout_int_digits(PyObject *object)
{
#if LAYOUT_AT_LEAST(12)
    return (Py_ssize_t)(((PyLongObject *)object)->long_value.lv_tag >> 3);
#else
    Py_ssize_t size = ((PyVarObject *)object)->ob_size;
    return size < 0 ? -size : size;
#endif
}

/* Of a number that is not zero: what zero takes changed in a patch release. */
static inline size_t
layout_int_size(PyObject *object)
{
#if LAYOUT_AT_LEAST(12)
    size_t before = offsetof(PyLongObject, long_value.ob_digit);
#else
    size_t before = offsetof(PyLongObject, ob_digit);
#endif
    return before + (size_t)layout_int_digits(object) * sizeof(digit);
}

static inline PyObject *
layout_type_dict(PyTypeObject *type)
{
#if LAYOUT_AT_LEAST(12)
    if (type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN) {
        /* Kept per interpreter. The call takes a reference, which is given
         * back at once: the type's own reference keeps the dict alive. */
        PyObject *dict = PyType_GetDict(type);
        if (dict != NULL)
            Py_DECREF(dict);
        return dict;
    }
#endif
    return type->tp_dict;
}

/* ---- attribute values kept inline ---------------------------------------- */

static inline PyDictKeysObject *
layout_cached_keys(PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return NULL;
    return ((PyHeapTypeObject *)type)->ht_cached_keys;
}

/* The values of an instance that has no __dict__ object yet; NULL if it has
 * none. Their names are the first keys of the type's cached keys. */
static inline PyObject **
layout_inline_values(PyObject *object, PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT))
        return NULL;
#if LAYOUT_AT_LEAST(13)
    if (!(type->tp_flags & Py_TPFLAGS_INLINE_VALUES))
        return NULL;
    PyDictValues *values = _PyObject_InlineValues(object);
    return values->valid ? values->values : NULL;
#elif LAYOUT_AT_LEAST(12)
    PyDictOrValues slot = *_PyObject_DictOrValuesPointer(object);
    if (!_PyDictOrValues_IsValues(slot))
        return NULL;
    PyDictValues *values = _PyDictOrValues_GetValues(slot);
    return values == NULL ? NULL : values->values;
#else
    PyDictValues *values = *_PyObject_ValuesPointer(object);
    return values == NULL ? NULL : values->values;
#endif
}

/* Bytes of the inline values and of what lies before them, which no __sizeof__
 * counts. Source: new_values and _PyObject_InitInlineValues in CPython. */
static inline size_t
layout_inline_size(PyObject *object, PyTypeObject *type)
{
#if LAYOUT_AT_LEAST(13)
    if (!(type->tp_flags & Py_TPFLAGS_INLINE_VALUES))
        return 0;
    size_t capacity = _PyObject_InlineValues(object)->capacity;
    size_t before = offsetof(PyDictValues, values);
    size_t order = (capacity + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    return before + capacity * sizeof(PyObject *) + order;
#else
    PyDictKeysObject *keys = layout_cached_keys(type);
    if (keys == NULL || layout_inline_values(object, type) == NULL)
        return 0;
    size_t capacity = (size_t)(keys->dk_nentries + keys->dk_usable);
    size_t before = (capacity + 2 + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    return before + capacity * sizeof(PyObject *);
#endif
}

static inline PyObject *
layout_managed_dict(PyObject *object)
{
#if LAYOUT_AT_LEAST(13)
    return (PyObject *)_PyObject_ManagedDictPointer(object)->dict;
#elif LAYOUT_AT_LEAST(12)
    PyDictOrValues slot = *_PyObject_DictOrValuesPointer(object);
    return _PyDictOrValues_IsValues(slot) ? NULL : _PyDictOrValues_GetDict(slot);
#else
    return *_PyObject_ManagedDictPointer(object);
#endif
}

/* The dict that lies at a place of its own in the instance, if any. */
static inline PyObject *
layout_offset_dict(PyObject *object, PyTypeObject *type)
{
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset == 0 || (type->tp_flags & Py_TPFLAGS_MANAGED_DICT))
        return NULL;
    if (offset < 0) {
        Py_ssize_t items;
        if (PyType_HasFeature(type, Py_TPFLAGS_LONG_SUBCLASS))
            items = layout_int_digits(object);
        else {
            items = ((PyVarObject *)object)->ob_size;
            items = items < 0 ? -items : items;
        }
        Py_ssize_t size = type->tp_basicsize + items * type->tp_itemsize;
        size = (size + (Py_ssize_t)sizeof(void *) - 1) & ~(Py_ssize_t)(sizeof(void *) - 1);
        offset += size;
        if (offset <= 0)
            return NULL;
    }
    return *(PyObject **)((char *)object + offset);
}

/* ---- dicts --------------------------------------------------------------- */

static inline Py_ssize_t
layout_keys_count(PyDictKeysObject *keys)
{
    return keys->dk_nentries;
}

static inline int
layout_keys_are_strings(PyDictKeysObject *keys)
{
    return DK_IS_UNICODE(keys);
}

/* Key and value number i of a dict; the value is NULL for an empty entry. */
static inline void
layout_dict_entry(PyDictObject *dict, Py_ssize_t i, PyObject **key, PyObject **value)
{
    PyDictKeysObject *keys = dict->ma_keys;
    if (!DK_IS_UNICODE(keys)) {
        PyDictKeyEntry *entry = &DK_ENTRIES(keys)[i];
        *key = entry->me_key;
        *value = entry->me_value;
        return;
    }
    PyDictUnicodeEntry *entry = &DK_UNICODE_ENTRIES(keys)[i];
    *key = entry->me_key;
    *value = dict->ma_values != NULL ? dict->ma_values->values[i] : entry->me_value;
}

static inline PyObject *
layout_keys_name(PyDictKeysObject *keys, Py_ssize_t i)
{
    return DK_UNICODE_ENTRIES(keys)[i].me_key;
}

static inline size_t
layout_keys_size(PyDictKeysObject *keys)
{
    size_t entry = DK_IS_UNICODE(keys) ? sizeof(PyDictUnicodeEntry) : sizeof(PyDictKeyEntry);
    /* Two thirds of the hash table, as Objects/dictobject.c has it. */
    size_t usable = ((size_t)DK_SIZE(keys) << 1) / 3;
    return sizeof(PyDictKeysObject) + ((size_t)1 << keys->dk_log2_index_bytes) + usable * entry;
}

/* ---- frames --------------------------------------------------------------- */

typedef struct _PyInterpreterFrame layout_frame;

static inline layout_frame *
layout_current_frame(PyThreadState *thread)
{
#if LAYOUT_AT_LEAST(13)
    return thread->current_frame;
#else
    return thread->cframe != NULL ? thread->cframe->current_frame : NULL;
#endif
}

/* The code of a frame, or NULL for a frame that runs none. */
static inline PyCodeObject *
layout_frame_code(layout_frame *frame)
{
#if LAYOUT_AT_LEAST(12)
    if (frame->owner == FRAME_OWNED_BY_CSTACK)
        return NULL;
#endif
#if LAYOUT_AT_LEAST(13)
    PyObject *code = frame->f_executable;
#else
    PyObject *code = (PyObject *)frame->f_code;
#endif
    return code != NULL && Py_TYPE(code) == &PyCode_Type ? (PyCodeObject *)code : NULL;
}

static inline PyObject *
layout_frame_function(layout_frame *frame)
{
#if LAYOUT_AT_LEAST(12)
    return frame->f_funcobj;
#else
    return (PyObject *)frame->f_func;
#endif
}

/* How many of the values behind the locals can be read: those of the value
 * stack, unless the frame is executing and keeps its depth in a register. */
static inline Py_ssize_t
layout_frame_stack_top(layout_frame *frame)
{
    return frame->stacktop;
}

/* The frame of a generator, coroutine or asynchronous generator that is
 * suspended or not yet started; NULL if it runs or has ended. */
static inline layout_frame *
layout_generator_frame(PyObject *object)
{
    PyGenObject *generator = (PyGenObject *)object;
    if (generator->gi_frame_state >= FRAME_EXECUTING)
        return NULL;
    return (layout_frame *)generator->gi_iframe;
}

/* The code of a generator, whatever became of its frame. */
static inline PyCodeObject *
layout_generator_code(PyObject *object)
{
    PyGenObject *generator = (PyGenObject *)object;
#if LAYOUT_AT_LEAST(12)
    return layout_frame_code((layout_frame *)generator->gi_iframe);
#else
    return generator->gi_code;
#endif
}

/* The frame's data where a frame object owns them, as after a traceback. */
static inline layout_frame *
layout_owned_frame(PyObject *object)
{
    layout_frame *frame = ((PyFrameObject *)object)->f_frame;
    return frame != NULL && frame->owner == FRAME_OWNED_BY_FRAME_OBJECT ? frame : NULL;
}

/* ---- code ------------------------------------------------------------------ */

#if LAYOUT_AT_LEAST(12)
#define LAYOUT_CODE_CACHED 4
#else
#define LAYOUT_CODE_CACHED 1
#endif

/* Objects that a code object made on demand and keeps. */
static inline PyObject *
layout_code_cached(PyCodeObject *code, int number)
{
#if LAYOUT_AT_LEAST(12)
    _PyCoCached *cached = code->_co_cached;
    if (cached == NULL)
        return NULL;
    switch (number) {
    case 0: return cached->_co_code;
    case 1: return cached->_co_cellvars;
    case 2: return cached->_co_freevars;
    default: return cached->_co_varnames;
    }
#else
    (void)number;
    return code->_co_code;
#endif
}

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
