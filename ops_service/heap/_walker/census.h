/* sink_census.c, walk_census.c and emit_census.c: counts and bytes by type. */
#ifndef OPS_WALKER_CENSUS_H
#define OPS_WALKER_CENSUS_H

#include "walker.h"

typedef struct {
    uint64_t objects;
} Census;

/* Bits of a record. */
enum { CENSUS_ESTIMATED = 1, CENSUS_OWN = 2 };

void census_edge(Walk *walk, PyObject *target);
void census_walk(Walk *walk);
void census_emit(Walk *walk);

#endif
