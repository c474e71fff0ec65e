/* bounds.c: checks the resource limits of the child during the walk. */
#ifndef OPS_WALKER_BOUNDS_H
#define OPS_WALKER_BOUNDS_H

#include "walk.h"

/* Rests, or ends the child, if a bound requires it. Cheap: call it often. */
void bounds_check(Walk *walk);

#define TICK_OBJECTS 4096u

/* The same, but only once per a fixed number of objects. */
static inline void
bounds_tick(Walk *walk)
{
    if (++walk->ticks % TICK_OBJECTS == 0)
        bounds_check(walk);
}

/* Rests for one period of the quota: the clone used a part of it, and the host gets the
 * rest. */
void bounds_begin(Walk *walk);

#endif
