/* content.c: what objects hold, where it is asked for. */
#ifndef OPS_WALKER_CONTENT_H
#define OPS_WALKER_CONTENT_H

#include "types.h"

#define CONTENT_LIMIT_MAX 4096u

/* As ContentLevel has them. */
enum { CONTENT_LEVEL_NONE = 1, CONTENT_LEVEL_KEYS = 2, CONTENT_LEVEL_VALUES = 3 };

/* As ContentKind has them. */
enum {
    CONTENT_UNKNOWN = 0,
    CONTENT_TEXT = 1,
    CONTENT_BYTES = 2,
    CONTENT_INT = 3,
    CONTENT_FLOAT = 4,
    CONTENT_BOOL = 5,
    CONTENT_NONE = 6,
};

void contents_open(Walk *walk);
/* Of the object whose row was begun last. */
void content_of_row(Walk *walk, PyObject *object, const TypeEntry *entry);
/* Of a key of the dict that is being read; its edge is written already. */
void content_of_key(Walk *walk, PyObject *key);

#endif
