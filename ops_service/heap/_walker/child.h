/* child.c, bounds.c and proof.c: the life of the child around the walk. */
#ifndef OPS_WALKER_CHILD_H
#define OPS_WALKER_CHILD_H

Walk *walk_new(const Settings *settings);

_Noreturn void child_end(Shared *shared, Status status, int error_number);
/* Clones the process; the child walks and never returns. A descriptor that stands
 * for the child is left in pidfd where the system has such. */
long child_start(Settings *settings, int *pidfd);

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

/* Number of the first step that failed, 0 if all held. */
int proof_run(Walk *walk);
const char *proof_step_name(int step);

#endif
