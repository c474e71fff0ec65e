/* deferred_edges.c: edges that wait for the end. */
#ifndef OPS_WALKER_DEFERRED_EDGES_H
#define OPS_WALKER_DEFERRED_EDGES_H

#include "walker.h"

#define DEFERRED_BLOCK 4096u

typedef struct {
    const void *target;
    uint32_t source;
    uint32_t label;
    uint32_t place; /* edges of the source that stand before it */
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

/* Remembers an edge that must not be what finds its target. */
void deferred_add(Walk *walk, uint64_t source, const void *target, uint32_t label);
void deferred_emit(Walk *walk);

#endif
