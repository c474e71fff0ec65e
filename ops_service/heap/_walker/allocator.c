/* Reads the text that CPython prints about its small-object arenas.
 *
 * On 3.11 this text is the only source of the figures, except for the allocator's
 * own structures. The layout of these differs between releases.
 */
#include "allocator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Exported by 3.11 to 3.13; the header that declares it differs. */
PyAPI_FUNC(int) _PyObject_DebugMallocStats(FILE *out);

PyObject *
arena_statistics(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (stream == NULL)
        return PyErr_SetFromErrno(PyExc_OSError);
    /* It prints nothing if another allocator or a hook is installed. */
    (void)_PyObject_DebugMallocStats(stream);
    int failed = ferror(stream);
    if (fclose(stream) != 0 || failed) {
        free(text);
        errno = ENOMEM;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    PyObject *result = PyBytes_FromStringAndSize(text, (Py_ssize_t)length);
    free(text);
    return result;
}
