/* own.c: what is the port's own without being reached from it. */
#ifndef OPS_WALKER_OWN_H
#define OPS_WALKER_OWN_H

#include "walker.h"

/* Notes that an object is. */
void own_note(Walk *walk, PyObject *object);
/* Whether an object that no root reaches refers to what is. */
int own_leads_from(Walk *walk, PyObject *object);

#endif
