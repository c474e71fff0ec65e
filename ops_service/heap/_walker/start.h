/* start.c: starts a child that walks. */
#ifndef OPS_WALKER_START_H
#define OPS_WALKER_START_H

#include "walker.h"

/* The module's function of this name. */
PyObject *start(PyObject *module, PyObject *args, PyObject *kwargs);

#endif
