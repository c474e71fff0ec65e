/* type_name.c: names of types, as code wrote them. */
#ifndef OPS_WALKER_TYPE_NAME_H
#define OPS_WALKER_TYPE_NAME_H

#include "walker.h"

/* What stands by a name in the namespace of a type itself; NULL if nothing does. */
PyObject *type_namespace_value(PyTypeObject *type, const char *wanted);
/* The text of a string that is ASCII or has its UTF-8 at hand. */
int type_text(PyObject *object, const char **text, size_t *length);
void type_name(PyTypeObject *type, const char **module, size_t *module_length,
               const char **name, size_t *name_length);

#endif
