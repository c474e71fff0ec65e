/* Handles references in the search for holders. A new object becomes a row, which is kept
 * with the number of the row that found it. A reference to a searched object is a path to
 * it.
 */
#include "child_end.h"
#include "edges.h"
#include "memory.h"
#include "namespaces.h"
#include "referrers.h"
#include "walk.h"

/* ---- rows --------------------------------------------------------------------------- */

ReferrerRow *
referrers_row(Referrers *referrers, uint32_t number)
{
    return &referrers->blocks[number / ROW_BLOCK][number % ROW_BLOCK];
}

void
referrers_row_add(Walk *walk, uintptr_t entry, uint32_t parent, uint32_t label)
{
    Referrers *referrers = &walk->referrers;
    uint32_t number = referrers->count;
    if (number == ROW_NONE)
        child_end(walk->shared, STATUS_CORRUPT, 0);
    ReferrerRow **block = &referrers->blocks[number / ROW_BLOCK];
    if (*block == NULL)
        *block = memory_map(walk, ROW_BLOCK * sizeof(ReferrerRow));
    (*block)[number % ROW_BLOCK] = (ReferrerRow){
        .entry = entry, .parent = parent, .label = label, .element = referrers->element};
    referrers->count++;
}

/* ---- paths -------------------------------------------------------------------------- */

/* Of a type with very many objects, keeps paths to some that are spread evenly over all. */
void
referrers_way_add(Walk *walk, uintptr_t entry, uint32_t label)
{
    Referrers *referrers = &walk->referrers;
    uint64_t number = referrers->ways_seen++;
    if (referrers->way_count == WAYS_MAX) {
        if (referrers->address != 0)
            return;
        for (uint32_t i = 0; i < WAYS_MAX / 2; i++)
            referrers->ways[i] = referrers->ways[2 * i];
        referrers->way_count = WAYS_MAX / 2;
        referrers->stride *= 2;
    }
    if (referrers->address == 0 && number % referrers->stride != 0)
        return;
    referrers->ways[referrers->way_count++] = (ReferrerWay){
        .entry = entry, .parent = referrers->at, .label = label, .element = referrers->element};
}

/* Handles a reference to the searched object. */
static void
way_to_object(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag)
{
    Referrers *referrers = &walk->referrers;
    int is_first = !referrers->is_found;
    if (referrers->is_following)
        return;
    referrers->objects += (uint64_t)is_first;
    referrers->is_found = 1;
    if (is_first || referrers->latest != referrers->at)
        referrers_way_add(walk, target | tag, label);
    referrers->latest = referrers->at;
    if (is_first) {
        visited_mark(walk, &walk->visited, (void *)target, 1);
        if (!referrers->is_barrier)
            referrers_row_add(walk, target | tag, referrers->at, label);
    }
}

void
referrers_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag)
{
    Referrers *referrers = &walk->referrers;
    if (tag == TAG_FRAME) {
        referrers_row_add(walk, target | tag, referrers->at, label);
        return;
    }
    if (target == referrers->address)
        way_to_object(walk, target, label, tag);
    else if (visited_mark(walk, &walk->visited, (void *)target, 1)) {
        TypeEntry *entry = type_entry(walk, Py_TYPE((PyObject *)target));
        if (entry->referrers.wanted) {
            referrers->objects++;
            referrers_way_add(walk, target | tag, label);
        }
        if (entry->shape != SHAPE_LEAF)
            referrers_row_add(walk, target | tag, referrers->at, label);
    }
    if (tag == TAG_NAMESPACE)
        namespace_found(walk, (PyObject *)target, 0);
    if (label == LABEL(0, EDGE_ELEMENT))
        referrers->element++;
}
