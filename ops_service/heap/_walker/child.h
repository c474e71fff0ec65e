/* child.c: the life of the child around the walk. */
#ifndef OPS_WALKER_CHILD_H
#define OPS_WALKER_CHILD_H

#include "settings.h"

/* Clones the process; the child walks and never returns. A descriptor that stands
 * for the child is left in pidfd where the system has such. */
long child_start(Settings *settings, int *pidfd);

#endif
