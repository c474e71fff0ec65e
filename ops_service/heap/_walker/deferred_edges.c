/* Edges that are written at the end, because they must not be the ones that find
 * their target. A weak reference does not keep its target alive, and the objects of
 * ops_service must be found from its own root. Each edge stores its place among the
 * edges of its object.
 */
#include "deferred_edges.h"

#include "emit_snapshot.h"
#include "memory.h"
#include "walk.h"

void
deferred_add(Walk *walk, uint64_t source, const void *target, uint32_t label)
{
    Snapshot *snapshot = &walk->snapshot;
    DeferredEdges *deferred = &snapshot->deferred;
    DeferredBlock *block = deferred->last;
    if (block == NULL || block->count == DEFERRED_BLOCK) {
        block = memory_map(walk, sizeof(DeferredBlock));
        if (deferred->last == NULL)
            deferred->first = block;
        else
            deferred->last->next = block;
        deferred->last = block;
    }
    block->edges[block->count].target = target;
    block->edges[block->count].source = (uint32_t)source;
    block->edges[block->count].place = (uint32_t)(snapshot->row_before + snapshot->row_edges);
    block->edges[block->count++].label = label;
}

void
deferred_emit(Walk *walk)
{
    for (DeferredBlock *block = walk->snapshot.deferred.first; block != NULL; block = block->next)
        for (size_t i = 0; i < block->count; i++) {
            Region *region = visited_region(walk, &walk->visited, block->edges[i].target);
            uint32_t place = region->indexes == NULL
                                 ? 0 : region->indexes[visited_granule(block->edges[i].target)];
            /* A target without any other reference is not in the snapshot. */
            if (place != 0 && place < INDEX_CUT)
                emit_deferred_edge(walk, &block->edges[i], place - 1);
        }
}
