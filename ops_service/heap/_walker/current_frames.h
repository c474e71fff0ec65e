/* current_frames.c: the current frames of the threads of this interpreter. */
#ifndef OPS_WALKER_CURRENT_FRAMES_H
#define OPS_WALKER_CURRENT_FRAMES_H

#include "walker.h"

PyObject *current_frames(PyObject *module, PyObject *ignored);

#endif
