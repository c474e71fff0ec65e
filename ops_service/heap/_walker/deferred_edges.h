/* deferred_edges.c: edges that are written at the end. */
#ifndef OPS_WALKER_DEFERRED_EDGES_H
#define OPS_WALKER_DEFERRED_EDGES_H

#include "walker.h"

#define DEFERRED_BLOCK 4096u

typedef struct {
    const void *target;
    uint32_t source;
    uint32_t label;
    uint32_t place; /* number of edges of the source before it */
} DeferredEdge;

typedef struct DeferredBlock {
    struct DeferredBlock *next;
    size_t count;
    DeferredEdge edges[DEFERRED_BLOCK];
} DeferredBlock;

typedef struct {
    DeferredBlock *first;
    DeferredBlock *last;
} DeferredEdges;

/* Stores an edge that must not be the one that finds its target. */
void deferred_add(Walk *walk, uint64_t source, const void *target, uint32_t label);
void deferred_emit(Walk *walk);

#endif
