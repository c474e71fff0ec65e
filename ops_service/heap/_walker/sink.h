/* The differences between the kinds of walks while the heap is read: the handling of a
 * reference, a frame, a key, a new name and a new type. Everything else is the same for all.
 */
#ifndef OPS_WALKER_SINK_H
#define OPS_WALKER_SINK_H

#include "census.h"
#include "content.h"
#include "emit_definitions.h"
#include "growth.h"
#include "lookup.h"
#include "names.h"
#include "referrers.h"
#include "snapshot.h"
#include "walk.h"

/* Whether this kind of walk names references. */
static inline int
sink_has_names(const Walk *walk)
{
    return walk->kind != WALK_CENSUS && walk->kind != WALK_PROOF;
}

/* The number of a name that the walker itself gives; 0 if the walk has no names. */
static inline uint32_t
sink_literal(Walk *walk, const char *name)
{
    return sink_has_names(walk) ? name_number_literal(walk, name) : 0;
}

/* Handles a name that the walk finds for the first time. */
static inline void
sink_name(Walk *walk, uint32_t number, const char *text, size_t length)
{
    switch (walk->kind) {
    case WALK_SNAPSHOT:
        emit_name(walk, text, length);
        break;
    case WALK_GROWTH:
        path_name(walk, number, text, length);
        break;
    case WALK_REFERRERS:
        walk->referrers.names[number] = (ReferrerName){text, length};
        break;
    default:
        break;
    }
}

/* Handles a type that the walk finds for the first time. */
static inline void
sink_type(Walk *walk, TypeEntry *entry)
{
    switch (walk->kind) {
    case WALK_SNAPSHOT:
        entry->snapshot.content = type_content(entry->type);
        emit_type(walk, entry);
        break;
    case WALK_GROWTH:
        path_type(walk, entry);
        break;
    case WALK_REFERRERS:
        entry->referrers.wanted =
            walk->referrers.address == 0 &&
            lookup_is_named(entry->type, walk->settings->referrers.type);
        break;
    default:
        break;
    }
}

/* Handles one reference of the object being read. */
static inline void
sink_edge(Walk *walk, PyObject *target, uint32_t label, uint32_t tag)
{
    if (target == NULL)
        return;
    switch (walk->kind) {
    case WALK_SNAPSHOT:
        snapshot_edge(walk, (uintptr_t)target, label, tag);
        break;
    case WALK_CENSUS:
        census_edge(walk, target);
        break;
    case WALK_GROWTH:
        growth_edge(walk, (uintptr_t)target, label, tag);
        break;
    case WALK_REFERRERS:
        referrers_edge(walk, (uintptr_t)target, label, tag);
        break;
    default:
        break;
    }
}

/* Handles a frame on the stack being read. Returns whether the walk reads it at its turn; if
 * not, the caller reads it at once. */
static inline int
sink_frame(Walk *walk, uintptr_t frame, uint32_t label, uint32_t tag)
{
    switch (walk->kind) {
    case WALK_SNAPSHOT:
        snapshot_edge(walk, frame, label, tag);
        return 1;
    case WALK_GROWTH:
        growth_edge(walk, frame, label, tag);
        return 1;
    case WALK_REFERRERS:
        referrers_edge(walk, frame, label, tag);
        return 1;
    default:
        return 0;
    }
}

/* Handles a key of the dict being read, if it is not a name; its edge is already reported. */
static inline void
sink_key(Walk *walk, PyObject *key)
{
    if (walk->kind == WALK_SNAPSHOT && walk->snapshot.shows_keys)
        content_of_key(walk, key);
}

/* Whether an object is a part of ops_service that the walk reads later. */
static inline int
sink_holds_back(Walk *walk, const void *object)
{
    return walk->kind == WALK_SNAPSHOT && snapshot_is_held_back(walk, object);
}

/* Whether the output already contains an object, according to its place in the indexes. */
static inline int
sink_is_written(const Walk *walk, uint32_t place)
{
    return walk->kind == WALK_SNAPSHOT && snapshot_is_written(&walk->snapshot, place);
}

#endif
