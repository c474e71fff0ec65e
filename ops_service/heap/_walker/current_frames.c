/* The current frames of the threads of this interpreter.
 *
 * `sys._current_frames` makes frame objects for the threads of every interpreter. Those with
 * their own GIL run meanwhile, and the process ends by a signal.
 */
#include "current_frames.h"

static int
add_frame(PyObject *frames, PyThreadState *thread)
{
    PyFrameObject *frame = PyThreadState_GetFrame(thread);
    if (frame == NULL)
        return 0;
    PyObject *ident = PyLong_FromUnsignedLong(thread->thread_id);
    int added = ident == NULL ? -1 : PyDict_SetItem(frames, ident, (PyObject *)frame);
    Py_XDECREF(ident);
    Py_DECREF(frame);
    return added;
}

PyObject *
current_frames(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *frames = PyDict_New();
    if (frames == NULL)
        return NULL;
    /* A collection could run code of the host, and threads could end meanwhile. */
    int collects = PyGC_Disable();
    PyThreadState *thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    int added = 0;
    for (; thread != NULL && added == 0; thread = PyThreadState_Next(thread))
        added = add_frame(frames, thread);
    if (collects)
        PyGC_Enable();
    if (added < 0)
        Py_CLEAR(frames);
    return frames;
}
