/* child_end.c: ends the child. */
#ifndef OPS_WALKER_CHILD_END_H
#define OPS_WALKER_CHILD_END_H

#include "shared.h"

_Noreturn void child_end(Shared *shared, Status status, int error_number);

#endif
