/* start.c: starts a walking child. */
#ifndef OPS_WALKER_START_H
#define OPS_WALKER_START_H

#include "walker.h"

/* The module's function of the same name. */
PyObject *start(PyObject *module, PyObject *args, PyObject *kwargs);

#endif
