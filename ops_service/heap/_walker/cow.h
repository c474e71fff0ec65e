/* cow.c: pages that exist twice because of the child. */
#ifndef OPS_WALKER_COPIED_H
#define OPS_WALKER_COPIED_H

/* Before the walk maps its first table. */
void copied_begin(Walk *walk);
/* Notes what was copied so far. Takes time in proportion to the resident memory. */
void copied_measure(Walk *walk);
/* Measures now and then, and ends the child when it is too much. */
void copied_check(Walk *walk, double now);

#endif
