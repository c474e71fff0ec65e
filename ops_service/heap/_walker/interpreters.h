/* interpreters.c: the interpreters of the process. */
#ifndef OPS_WALKER_INTERPRETERS_H
#define OPS_WALKER_INTERPRETERS_H

#include "walker.h"

#define INTERPRETERS_MAX 1024

typedef enum {
    GIL_SHARED, /* the one of the interpreter that asks, or the same */
    GIL_OWN,
    GIL_NONE, /* it is being created or ended */
} GilKind;

typedef struct {
    PyInterpreterState *state;
    int64_t id;
    GilKind gil;
} Interpreter;

typedef struct {
    Interpreter list[INTERPRETERS_MAX]; /* newest first, the own one included */
    int count;
    int whole; /* whether these are all; another thread may be changing the list */
} Interpreters;

/* Reads which interpreters there are. Runs in a child, and in the process itself with the GIL
 * held. `own` is the interpreter that asks. */
void interpreters_read(Interpreters *to, PyInterpreterState *own, const Located *at);
#define INTERPRETER_NAME_ROOM 24
/* Writes its id in digits; returns their number. Calls no library function. */
size_t interpreter_name(const Interpreter *interpreter, char *to);
/* Reads them, and again if another thread was changing the list meanwhile. Returns (id of the
 * own one, number of all, number of those with another GIL), or None if that stays unknown. */
PyObject *interpreters_count(const Located *at);

#endif
