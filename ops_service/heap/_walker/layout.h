/* All code of the walker that depends on the CPython version.
 *
 * The child may not run any Python code, so it cannot ask the interpreter. It reads
 * the interpreter's structures instead. Before the first use, a proof compares
 * everything read through this header with the interpreter's own answers (proof.c).
 */
#ifndef OPS_WALKER_LAYOUT_H
#define OPS_WALKER_LAYOUT_H

#define PY_SSIZE_T_CLEAN
#define Py_BUILD_CORE 1
#include <Python.h>

#if PY_VERSION_HEX < 0x030b0000 || PY_VERSION_HEX >= 0x03100000
#error "The walker knows CPython 3.11 to 3.15."
#endif
#if defined(Py_DEBUG) || defined(Py_TRACE_REFS)
#error "The walker does not know debug builds."
#endif
#ifdef Py_GIL_DISABLED
#error "The walker does not know free-threaded builds."
#endif
#ifdef PYPY_VERSION
#error "The walker does not know PyPy."
#endif

#include <frameobject.h>
#include <string.h>

#include <internal/pycore_code.h>
#include <internal/pycore_context.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_moduleobject.h>
#include <internal/pycore_object.h>
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_genobject.h>
#include <internal/pycore_interpframe.h>
#include <internal/pycore_tstate.h>
#endif

#define LAYOUT_AT_LEAST(minor) (PY_VERSION_HEX >= (0x03000000 | ((minor) << 16)))

#include "layout_located.h"

/* ---- garbage collector lists ------------------------------------------- */

#define LAYOUT_GC_LISTS (NUM_GENERATIONS + 1)

/* The head of a list: those of three generations, which stand in a row, and that of frozen
 * objects. */
static inline PyGC_Head *
layout_gc_list(PyInterpreterState *interp, const Located *at, int number)
{
    if (number == NUM_GENERATIONS)
        return &LAYOUT_FIELD(interp, gc.permanent_generation, at->gc).head;
    return &(&LAYOUT_FIELD(interp, LAYOUT_GENERATIONS, at->lists))[number].head;
}

static inline PyGC_Head *
layout_gc_next(PyGC_Head *node)
{
    /* The low bits are marks of a running collection. */
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

/* PyObject_IS_GC, without a library call per object. */
static inline int
layout_is_gc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    return PyType_IS_GC(type) && (type->tp_is_gc == NULL || type->tp_is_gc(object));
}

static inline int
layout_is_tracked(PyObject *object)
{
    return layout_is_gc(object) && ((PyGC_Head *)object - 1)->_gc_next != 0;
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

static inline const digit *
layout_int_data(PyObject *object)
{
#if LAYOUT_AT_LEAST(12)
    return ((PyLongObject *)object)->long_value.ob_digit;
#else
    return ((PyLongObject *)object)->ob_digit;
#endif
}

static inline int
layout_int_is_negative(PyObject *object)
{
#if LAYOUT_AT_LEAST(12)
    return (((PyLongObject *)object)->long_value.lv_tag & 3) == 2;
#else
    return ((PyVarObject *)object)->ob_size < 0;
#endif
}

/* Only for numbers other than zero: the size of zero changed in a patch release. */
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

/* Bytes behind a bytearray. From CPython 3.15 on it owns a bytes object, which no
 * traversal visits; an empty one owns a shared object. */
static inline size_t
layout_bytearray_data_size(PyObject *object)
{
    size_t allocated = (size_t)((PyByteArrayObject *)object)->ob_alloc;
#if LAYOUT_AT_LEAST(15)
    return allocated == 0 ? 0 : offsetof(PyBytesObject, ob_sval) + 1 + allocated;
#else
    return allocated;
#endif
}

#if LAYOUT_AT_LEAST(15)
#define LAYOUT_FROZEN_DICT (&PyFrozenDict_Type)
#else
#define LAYOUT_FROZEN_DICT ((const PyTypeObject *)NULL)
#endif

static inline PyObject *
layout_type_dict(PyTypeObject *type)
{
#if LAYOUT_AT_LEAST(12)
    if (type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN) {
        /* Kept per interpreter. The call returns a new reference. It is dropped at
         * once: the type's own reference keeps the dict alive. */
        PyObject *dict = PyType_GetDict(type);
        if (dict != NULL)
            Py_DECREF(dict);
        return dict;
    }
#endif
    return type->tp_dict;
}

#include "layout_dict.h"
#include "layout_frame.h"
#include "layout_runtime.h"

#endif
