/* start_arguments.c: the arguments of a call that starts a walking child. */
#ifndef OPS_WALKER_START_ARGUMENTS_H
#define OPS_WALKER_START_ARGUMENTS_H

#include "module_state.h"
#include "walker.h"

/* Fills `settings`, which borrows from the arguments. -1 with an exception set. The caller
 * frees `settings->threads` and `settings->bounds.memory`, also after a failure.
 */
int read_arguments(const ModuleState *state, Settings *settings, PyObject *args,
                   PyObject *kwargs);

#endif
