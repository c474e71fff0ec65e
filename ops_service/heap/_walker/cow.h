/* cow.c: pages that exist twice because of the child. */
#ifndef OPS_WALKER_COW_H
#define OPS_WALKER_COW_H

#include "walker.h"

/* Call it before the walk maps its first table. */
void cow_begin(Walk *walk);
/* Records the bytes copied so far. Takes time in proportion to the resident memory. */
void cow_measure(Walk *walk);
/* Measures from time to time; ends the child if too much is copied. */
void cow_check(Walk *walk, double now);

#endif
