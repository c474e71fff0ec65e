/* sizes.c: what sys.getsizeof says of an object. */
#ifndef OPS_WALKER_SIZES_H
#define OPS_WALKER_SIZES_H

#include "settings.h"
#include "types.h"

typedef struct {
    size_t counted; /* what sys.getsizeof says */
    size_t extra;   /* what it leaves out */
} Size;

Size size_of(const Settings *settings, PyObject *object, const TypeEntry *entry);

#endif
