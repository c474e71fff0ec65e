/* namespaces.c: dicts whose keys are names. */
#ifndef OPS_WALKER_NAMESPACES_H
#define OPS_WALKER_NAMESPACES_H

#include "walker.h"

int namespace_known(Walk *walk, PyDictObject *dict);
/* Called when a reference shows that a dict is a namespace. `place`, from the
 * indexes, shows whether its entries are already written; then their names follow. */
void namespace_found(Walk *walk, PyObject *dict, uint32_t place);
/* The namespaces of a threading.local, one for each thread. */
void namespaces_of_local(Walk *walk, PyObject *object);

#endif
