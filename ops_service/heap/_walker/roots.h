/* roots.c: where a walk begins. */
#ifndef OPS_WALKER_ROOTS_H
#define OPS_WALKER_ROOTS_H

#include "walk.h"

/* Number of roots before threads: modules and the interpreter. */
#define ROOT_MODULES 0
#define ROOT_INTERPRETER 1
#define ROOT_OWN 2
#define ROOT_HELD_BY_C 3

/* Pushes the roots of the application; returns how many there are. */
uint32_t roots_push(Walk *walk);
/* Pushes the roots of ops_service itself. */
uint32_t roots_push_own(Walk *walk);
/* Pushes the root of what C code holds. */
uint32_t roots_push_held(Walk *walk);
/* For walks that mark what they saw: whether what ops_service itself is made of counts
 * as seen, until its own root comes to it. */
void roots_hold_back_own(Walk *walk, int hold_back);
/* Introduces a synthetic node and returns the index of its type. */
uint32_t root_define(Walk *walk, uintptr_t address, uint32_t tag);
/* Name of the type under which a root of the queue is shown. */
const char *root_type(uintptr_t entry);
const ThreadName *thread_name(const Walk *walk, const PyThreadState *thread);
/* The thread after one (NULL for the first) that is the service's own, or that is not.
 * NULL past the bound on threads, and what is left out is counted. */
PyThreadState *thread_next(Walk *walk, PyThreadState *after, int own, uint32_t *seen);
void root_edges(Walk *walk, uintptr_t address, uint32_t tag);
/* The same for a root from the queue: a fault gives it up, and goes on at walk->resume. */
void root_read(Walk *walk, uintptr_t address, uint32_t tag);

/* The next object on the collector's lists; NULL at their end. */
void gc_lists_begin(Walk *walk);
PyObject *gc_lists_next(Walk *walk);
/* Whether gc.freeze() took the latest one from the collector. */
static inline int
gc_lists_frozen(const Walk *walk)
{
    return walk->lists.number == LAYOUT_GC_LISTS - 1;
}

#endif
