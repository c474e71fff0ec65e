/* allocator.c: what CPython prints of its arenas. No part of a walk. */
#ifndef OPS_WALKER_ALLOCATOR_H
#define OPS_WALKER_ALLOCATOR_H

#include "walker.h"

/* In the process itself, with the GIL held. */
PyObject *arena_statistics(PyObject *module, PyObject *ignored);

#endif
