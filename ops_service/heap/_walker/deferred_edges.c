/* Edges that wait for the end: they must not be what finds their target. A weak
 * reference does not keep it alive, and what ops_service itself is made of is to
 * be found from its own root. Each remembers its place among its object's edges.
 */
#include "walker.h"

void
late_add(Walk *walk, uint64_t source, const void *target, uint32_t label)
{
    LateBlock *block = walk->late_last;
    if (block == NULL || block->count == LATE_BLOCK) {
        block = memory_map(walk, sizeof(LateBlock));
        if (walk->late_last == NULL)
            walk->late_first = block;
        else
            walk->late_last->next = block;
        walk->late_last = block;
    }
    block->edges[block->count].target = target;
    block->edges[block->count].source = (uint32_t)source;
    block->edges[block->count].place = (uint32_t)(walk->row_before + walk->row_edges);
    block->edges[block->count++].label = label;
}

void
late_emit(Walk *walk)
{
    for (LateBlock *block = walk->late_first; block != NULL; block = block->next)
        for (size_t i = 0; i < block->count; i++) {
            Region *region = visited_region(walk, &walk->visited, block->edges[i].target);
            uint32_t place = region->indexes == NULL
                                 ? 0 : region->indexes[visited_granule(block->edges[i].target)];
            /* What nothing else leads to is not in the snapshot. */
            if (place != 0 && place < INDEX_CUT)
                emit_late_edge(walk, &block->edges[i], place - 1);
        }
}
