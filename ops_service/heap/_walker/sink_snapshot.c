/* Handles references in a snapshot. A new object gets the next index and is queued;
 * the reference is written.
 */
#include "child_end.h"
#include "edges.h"
#include "namespaces.h"
#include "snapshot.h"
#include "walk.h"

uint32_t *
snapshot_place(Walk *walk, const void *address)
{
    Region *region = visited_region(walk, &walk->visited, address);
    uint32_t *indexes = region->indexes;
    if (indexes == NULL)
        indexes = visited_indexes(walk, region);
    return &indexes[visited_granule(address)];
}

uint64_t
snapshot_give_index(Walk *walk)
{
    if (walk->snapshot.next_object >= INDEX_CUT - 1)
        child_end(walk->shared, STATUS_CORRUPT, 0);
    return walk->snapshot.next_object++;
}

int
snapshot_is_full(const Walk *walk)
{
    uint64_t most = walk->settings->snapshot.max_objects;
    return most != 0 && walk->snapshot.next_object >= most;
}

void
snapshot_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag)
{
    if (tag == TAG_FRAME && snapshot_is_full(walk)) {
        walk->shared->left_out_objects++;
        walk->shared->left_out_edges++;
        return;
    }
    if (tag == TAG_FRAME) {
        snapshot_give_index(walk);
        queue_push(walk, &walk->queue, target | tag);
        emit_edge(walk, 0, label);
        return;
    }
    uint32_t *place = snapshot_place(walk, (void *)target);
    uint64_t next = walk->snapshot.next_object;
    if (*place == 0 && snapshot_is_full(walk)) {
        *place = INDEX_CUT;
        walk->shared->left_out_objects++;
    }
    if (*place == INDEX_CUT) {
        walk->shared->left_out_edges++;
        return;
    }
    if (*place == 0) {
        *place = (uint32_t)snapshot_give_index(walk) + 1;
        queue_push(walk, &walk->queue, target | tag);
        emit_edge(walk, 0, label);
        if (tag == TAG_NAMESPACE)
            namespace_found(walk, (PyObject *)target, 0);
        return;
    }
    if (*place == INDEX_OWN) {
        deferred_add(walk, walk->snapshot.row - 1, (void *)target, label);
        return;
    }
    uint64_t index = *place - 1;
    uint64_t absolute = index << 1 | 1;
    uint64_t relative = (next - index) << 1;
    emit_edge(walk, relative < absolute ? relative : absolute, label);
    if (tag == TAG_NAMESPACE)
        namespace_found(walk, (PyObject *)target, (uint32_t)index + 1);
}

int
snapshot_is_held_back(Walk *walk, const void *object)
{
    return *snapshot_place(walk, object) == INDEX_OWN;
}
