/* child.c: the child around the walk, from clone to exit. */
#ifndef OPS_WALKER_CHILD_H
#define OPS_WALKER_CHILD_H

#include "settings.h"

/* Clones the process; the child walks and never returns. Stores a pidfd of the
 * child in pidfd if the system supports them. */
long child_start(Settings *settings, int *pidfd);

#endif
