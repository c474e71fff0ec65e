/* roots.c: starts of a walk. root_edges.c: their references. */
#ifndef OPS_WALKER_ROOTS_H
#define OPS_WALKER_ROOTS_H

#include "walk.h"

/* Numbers of the roots other than threads. */
#define ROOT_MODULES 0
#define ROOT_INTERPRETER 1
#define ROOT_OWN 2
#define ROOT_HELD_BY_C 3
/* From here on the other interpreters, by their place in walk->interpreters. */
#define ROOT_OTHERS 16

/* Threads of an interpreter whose stacks are read, and past that counted. */
#define THREADS_MAX 4096
#define THREADS_COUNTED_MAX (1 << 22)

/* Pushes the roots of the application; returns their number. */
uint32_t roots_push(Walk *walk);
/* Pushes a root for each other interpreter that can be read; returns their number. */
uint32_t roots_push_others(Walk *walk);
/* The interpreter of such a root. */
const Interpreter *root_other(const Walk *walk, uintptr_t address);
/* Pushes the roots of ops_service itself. */
uint32_t roots_push_own(Walk *walk);
/* Pushes the root of objects that C code holds. */
uint32_t roots_push_held(Walk *walk);
/* For walks that mark what they saw: marks the parts of ops_service as seen, until the
 * walk reaches its own root. */
void roots_hold_back_own(Walk *walk, int hold_back);
/* Defines a synthetic node and returns the index of its type. */
uint32_t root_define(Walk *walk, uintptr_t address, uint32_t tag);
/* Name of the type that is shown for a root of the queue. */
const char *root_type(uintptr_t entry);
const ThreadName *thread_name(const Walk *walk, const PyThreadState *thread);
/* The next thread after `after` (NULL: from the first). `own` selects the threads that
 * ops_service started, or the others. Past the bound, returns NULL and counts the
 * threads that are left out. */
PyThreadState *thread_next(Walk *walk, PyThreadState *after, int own, uint32_t *seen);
/* ---- root_edges.c --------------------------------------------------------------- */

void root_edges(Walk *walk, uintptr_t address, uint32_t tag);
/* The same for a root from the queue: after a fault, the walk skips it and continues
 * at walk->resume. */
void root_read(Walk *walk, uintptr_t address, uint32_t tag);

/* ---- roots.c, the collector's lists --------------------------------------------- */

/* Starts at the first of the collector's lists, of all interpreters that are read;
 * gc_lists_next returns NULL at their end. */
void gc_lists_begin(Walk *walk);
PyObject *gc_lists_next(Walk *walk);
/* Whether gc.freeze() has taken the latest object from the collector. */
static inline int
gc_lists_frozen(const Walk *walk)
{
    return walk->lists.number == LAYOUT_GC_LISTS - 1;
}

#endif
