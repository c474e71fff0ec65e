/* cow.c: pages that exist twice because of the child. */
#ifndef OPS_WALKER_COW_H
#define OPS_WALKER_COW_H

#include "walker.h"

/* Before the walk maps its first table. */
void cow_begin(Walk *walk);
/* Notes what was copied so far. Takes time in proportion to the resident memory. */
void cow_measure(Walk *walk);
/* Measures now and then, and ends the child when it is too much. */
void cow_check(Walk *walk, double now);

#endif
