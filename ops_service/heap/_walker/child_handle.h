/* child_handle.c: the parent's handle of a child. */
#ifndef OPS_WALKER_CHILD_HANDLE_H
#define OPS_WALKER_CHILD_HANDLE_H

#include "walker.h"
#include "shared.h"

typedef struct {
    PyObject_HEAD
    long pid;
    int pidfd; /* -1 if the system has none */
    double pause;
    Shared *shared;
} Child;

extern PyType_Spec child_spec;

#endif
