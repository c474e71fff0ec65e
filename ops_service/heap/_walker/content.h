/* content.c: contents of objects, if the request asks for them. */
#ifndef OPS_WALKER_CONTENT_H
#define OPS_WALKER_CONTENT_H

#include "types.h"

#define CONTENT_LIMIT_MAX 4096u

/* Same numbers as ContentLevel. */
enum { CONTENT_LEVEL_NONE = 1, CONTENT_LEVEL_KEYS = 2, CONTENT_LEVEL_VALUES = 3 };

/* Same numbers as ContentKind. */
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
/* Writes the content and the hash of the current row's object, if requested. */
void content_of_row(Walk *walk, PyObject *object, const TypeEntry *entry);
/* Writes or notes the content of a key of the dict being read; its edge is written. */
void content_of_key(Walk *walk, PyObject *key);

#endif
