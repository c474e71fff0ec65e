/* allocator.c: CPython's statistics of its arenas. Not part of a walk. */
#ifndef OPS_WALKER_ALLOCATOR_H
#define OPS_WALKER_ALLOCATOR_H

#include "walker.h"

/* Runs in the process itself, with the GIL held. */
PyObject *arena_statistics(PyObject *module, PyObject *ignored);

#endif
