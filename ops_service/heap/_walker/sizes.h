/* sizes.c: sizes of objects as sys.getsizeof returns them. */
#ifndef OPS_WALKER_SIZES_H
#define OPS_WALKER_SIZES_H

#include "settings.h"
#include "types.h"

typedef struct {
    size_t counted; /* the size that sys.getsizeof returns */
    size_t extra;   /* bytes that it omits */
} Size;

Size size_of(const Settings *settings, PyObject *object, const TypeEntry *entry);

#endif
