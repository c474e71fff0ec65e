/* Frames, generators and code. Included by layout.h, after the headers of CPython. */
#ifndef OPS_WALKER_LAYOUT_FRAME_H
#define OPS_WALKER_LAYOUT_FRAME_H

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

#if LAYOUT_AT_LEAST(14)
/* The object of a tagged reference; NULL if it is empty, an integer, or an error. */
static inline PyObject *
layout_untagged(_PyStackRef reference)
{
    return reference.bits & 2 ? NULL : (PyObject *)(reference.bits & ~(uintptr_t)1);
}
#endif

/* The code of a frame; NULL if the frame runs none. */
static inline PyCodeObject *
layout_frame_code(layout_frame *frame)
{
#if LAYOUT_AT_LEAST(14)
    if (frame->owner >= FRAME_OWNED_BY_INTERPRETER)
        return NULL;
    PyObject *code = layout_untagged(frame->f_executable);
#elif LAYOUT_AT_LEAST(13)
    if (frame->owner == FRAME_OWNED_BY_CSTACK)
        return NULL;
    PyObject *code = frame->f_executable;
#elif LAYOUT_AT_LEAST(12)
    if (frame->owner == FRAME_OWNED_BY_CSTACK)
        return NULL;
    PyObject *code = (PyObject *)frame->f_code;
#else
    PyObject *code = (PyObject *)frame->f_code;
#endif
    return code != NULL && Py_TYPE(code) == &PyCode_Type ? (PyCodeObject *)code : NULL;
}

static inline PyObject *
layout_frame_function(layout_frame *frame)
{
#if LAYOUT_AT_LEAST(14)
    return layout_untagged(frame->f_funcobj);
#elif LAYOUT_AT_LEAST(12)
    return frame->f_funcobj;
#else
    return (PyObject *)frame->f_func;
#endif
}

/* A local variable or a value of the stack; NULL if there is none. */
static inline PyObject *
layout_frame_value(layout_frame *frame, Py_ssize_t i)
{
#if LAYOUT_AT_LEAST(14)
    return layout_untagged(frame->localsplus[i]);
#else
    return frame->localsplus[i];
#endif
}

/* Number of readable values, locals included. Negative if the frame executes and keeps
 * the depth of its stack in a register. */
static inline Py_ssize_t
layout_frame_stack_top(layout_frame *frame)
{
#if LAYOUT_AT_LEAST(14)
    return frame->stackpointer == NULL ? -1 : frame->stackpointer - frame->localsplus;
#else
    return frame->stacktop;
#endif
}

static inline layout_frame *
layout_generator_data(PyGenObject *generator)
{
#if LAYOUT_AT_LEAST(14)
    return &generator->gi_iframe;
#else
    return (layout_frame *)generator->gi_iframe;
#endif
}

/* The frame of a generator, coroutine or asynchronous generator that is
 * suspended or not yet started; NULL if it runs or has ended. */
static inline layout_frame *
layout_generator_frame(PyObject *object)
{
    PyGenObject *generator = (PyGenObject *)object;
    if (generator->gi_frame_state >= FRAME_EXECUTING)
        return NULL;
    return layout_generator_data(generator);
}

/* The code of a generator, whatever the state of its frame. */
static inline PyCodeObject *
layout_generator_code(PyObject *object)
{
    PyGenObject *generator = (PyGenObject *)object;
#if LAYOUT_AT_LEAST(12)
    return layout_frame_code(layout_generator_data(generator));
#else
    return generator->gi_code;
#endif
}

/* The frame's data if a frame object owns them, e.g. after a traceback. */
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

/* Objects that a code object creates on demand and keeps. */
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

#endif
