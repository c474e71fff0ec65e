/* bounds.c: what the child may take, looked after while it walks. */
#ifndef OPS_WALKER_BOUNDS_H
#define OPS_WALKER_BOUNDS_H

#include "walk.h"

/* Rests, or ends the child, where a bound asks for it. Cheap: call it often. */
void bounds_check(Walk *walk);

#define TICK_OBJECTS 4096u

/* The same, once in so many objects. */
static inline void
bounds_tick(Walk *walk)
{
    if (++walk->ticks % TICK_OBJECTS == 0)
        bounds_check(walk);
}

/* Leaves the quota of the period in which the clone was made, which took a part of it, to
 * the host. */
void bounds_begin(Walk *walk);

#endif
