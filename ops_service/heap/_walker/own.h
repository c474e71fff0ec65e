/* own.c: objects of ops_service that its roots do not reach. */
#ifndef OPS_WALKER_OWN_H
#define OPS_WALKER_OWN_H

#include "walker.h"

/* Notes that an object belongs to ops_service. */
void own_note(Walk *walk, PyObject *object);
/* Whether an unreached object refers to an object of ops_service. */
int own_leads_from(Walk *walk, PyObject *object);

#endif
