/* Shortest paths from the roots. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD 16

/* Marks objects that are not found yet, until the search ends. */
#define UNFOUND (UINT32_MAX - 1)

enum outcome
find_paths(const struct graph *graph, const uint32_t *roots, const size_t *group_ends,
           size_t group_count, uint32_t *parent_edges, const struct stop *stop)
{
    const size_t objects = graph->object_count, edges = graph->edge_count;
    uint32_t *queue = malloc((objects + 1) * sizeof *queue);
    if (queue == NULL) {
        return NO_MEMORY;
    }
    for (size_t object = 0; object < objects; object++) {
        parent_edges[object] = UNFOUND;
    }
    size_t head = 0, tail = 0, root = 0;
    for (size_t group = 0; group < group_count; group++) {
        for (; root < group_ends[group]; root++) {
            if (parent_edges[roots[root]] == UNFOUND) {
                parent_edges[roots[root]] = NO_EDGE;
                queue[tail++] = roots[root];
            }
        }
        for (; head < tail; head++) {
            const uint32_t object = queue[head];
            const size_t end = (size_t)graph->edge_starts[object + 1];
            for (size_t edge = (size_t)graph->edge_starts[object]; edge < end; edge++) {
                if (edge + AHEAD < edges) {
                    __builtin_prefetch(&parent_edges[graph->edge_targets[edge + AHEAD]], 0, 1);
                }
                const uint32_t target = graph->edge_targets[edge];
                if (parent_edges[target] == UNFOUND && graph->edge_kinds[edge] != WEAK_EDGE) {
                    parent_edges[target] = (uint32_t)edge;
                    queue[tail++] = target;
                }
            }
            if (should_stop(stop, head)) {
                free(queue);
                return INTERRUPTED;
            }
        }
    }
    for (size_t object = 0; object < objects; object++) {
        if (parent_edges[object] == UNFOUND) {
            parent_edges[object] = NO_EDGE;
        }
    }
    free(queue);
    return DONE;
}
