/* constants.c: exports constants to Python. */
#ifndef OPS_WALKER_CONSTANTS_H
#define OPS_WALKER_CONSTANTS_H

#include "walker.h"

/* Returns 0, or -1 with an exception set. */
int constants_add(PyObject *module);

#endif
