/* type_name.c: names of types, as in source code. */
#ifndef OPS_WALKER_TYPE_NAME_H
#define OPS_WALKER_TYPE_NAME_H

#include "walker.h"

/* The value of a name in the namespace of the type itself; NULL if there is none. */
PyObject *type_namespace_value(PyTypeObject *type, const char *wanted);
/* The text of a string that is ASCII or has a cached UTF-8 form. */
int type_text(PyObject *object, const char **text, size_t *length);
/* The same of a file's name, as tracemalloc keeps it. */
int type_file_text(layout_file file, const char **text, size_t *length);
void type_name(PyTypeObject *type, const char **module, size_t *module_length,
               const char **name, size_t *name_length);

#endif
