/* module_state.c: state of the module, looked up once. */
#ifndef OPS_WALKER_MODULE_STATE_H
#define OPS_WALKER_MODULE_STATE_H

#include "settings.h"

typedef struct {
    Known known;
    PyObject *atexit_count; /* returns the number of callbacks of atexit; NULL if missing */
    PyTypeObject *child_type;
    PyTypeObject *path_table_type;
    RegionTable *regions;
    pid_t regions_owner;
} ModuleState;

/* Returns 0, or -1 with an exception set. */
int module_state_open(PyObject *module);
int module_state_traverse(PyObject *module, visitproc visit, void *arg);
int module_state_clear(PyObject *module);
void module_state_free(void *module);

/* The region table of this process; NULL with an exception set if there is no
 * memory. */
RegionTable *module_state_regions(ModuleState *state);
/* Memory that the process shares with its children; NULL with an exception set. */
void *shared_map(size_t size);

static inline ModuleState *
module_state(PyObject *module)
{
    return PyModule_GetState(module);
}

#endif
