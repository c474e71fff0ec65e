/* The walk of a snapshot: breadth first from the roots, then from the objects on
 * the collector's lists that no root reached.
 *
 * Because the walk is breadth first, the object that finds another is on a shortest
 * path from a root to it. Objects that no root reaches come last: first those that
 * C code holds, from their own root, then the rest, which form cycles.
 */
#include "bounds.h"
#include "child_end.h"
#include "content.h"
#include "edges.h"
#include "names.h"
#include "own.h"
#include "roots.h"
#include "sink.h"
#include "sites.h"
#include "sizes.h"
#include "snapshot.h"
#include "unreached.h"

#define TICK_ROWS 4096u
#define CALL_ARGUMENTS_MAX 64
/* Later rounds find garbage behind garbage. */
#define OWN_ROUNDS_MAX 8

enum {
    FLAG_TRACKED = 1,
    FLAG_IMMORTAL = 2,
    FLAG_ROOT = 4,
    FLAG_SIZE_ESTIMATED = 8,
    FLAG_CYCLE = 32,
    FLAG_OWN = 64,
};

/* Whether a dict holds keyword arguments of a running call of ops_service: only C
 * code holds it, and it contains an instance of a type of ops_service. */
static int
is_own_call(Walk *walk, PyObject *object, uint32_t tag)
{
    if (tag != TAG_HELD_BY_C || !PyDict_CheckExact(object))
        return 0;
    PyDictObject *dict = (PyDictObject *)object;
    Py_ssize_t count = layout_keys_count(dict->ma_keys);
    for (Py_ssize_t i = 0; i < count && i < CALL_ARGUMENTS_MAX; i++) {
        PyObject *key, *value;
        layout_dict_entry(dict, i, &key, &value);
        if (value != NULL && type_entry(walk, Py_TYPE(value))->own)
            return 1;
    }
    return 0;
}

static uint32_t
flags_of(Walk *walk, PyObject *object, const TypeEntry *entry, uint32_t tag)
{
    int own = walk->own || entry->own || tag == TAG_OWN || is_own_call(walk, object, tag);
    uint32_t flags = own ? FLAG_OWN : 0;
    if (layout_is_tracked(object))
        flags |= FLAG_TRACKED;
    if (layout_is_immortal(object))
        flags |= FLAG_IMMORTAL;
    if (entry->size_estimated)
        flags |= FLAG_SIZE_ESTIMATED;
    if (tag == TAG_CYCLE)
        flags |= FLAG_ROOT | FLAG_CYCLE;
    return flags;
}

static void
read_object(Walk *walk, PyObject *object, uint32_t tag)
{
    phase_is(walk, PHASE_TYPE);
    TypeEntry *entry = type_entry(walk, Py_TYPE(object));
    reading_is(walk, entry);
    phase_is(walk, PHASE_SIZE);
    Size size = size_of(walk->settings, object, entry);
    uint32_t flags = flags_of(walk, object, entry, tag);
    uint32_t site = site_number(walk, object);
    phase_is(walk, PHASE_NONE);
    if (flags & FLAG_OWN)
        own_note(walk, object);
    emit_row(walk, entry->index, size, visited_id(walk, object), flags, site);
    phase_is(walk, PHASE_EDGES);
    if (walk->snapshot.shows_contents)
        content_of_row(walk, object, entry);
    edges_of(walk, object, entry);
    if (PyWeakref_Check(object)) {
        PyObject *referent = ((PyWeakReference *)object)->wr_object;
        if (referent != NULL && referent != Py_None)
            deferred_add(walk, walk->snapshot.row - 1, referent, LABEL(0, EDGE_WEAK));
    }
    phase_is(walk, PHASE_NONE);
    emit_row_end(walk);
}

static void
read_root(Walk *walk, uintptr_t address, uint32_t tag)
{
    uint32_t type_index = root_define(walk, address, tag);
    emit_row(walk, type_index, (Size){0, 0}, 0,
             (tag == TAG_FRAME ? 0 : FLAG_ROOT) | (walk->own ? FLAG_OWN : 0), 0);
    root_read(walk, address, tag);
    emit_row_end(walk);
}

static void
progress(Walk *walk)
{
    Shared *shared = walk->shared;
    shared->objects = walk->snapshot.row;
    shared->edges = walk->snapshot.edge_count;
    shared->types = walk->types.count;
    shared->names = walk->names.count;
    shared->total_size = walk->snapshot.total_size;
    bounds_check(walk);
}

/* Rows are written in the order of their indexes, so an unreadable object gets a
 * row too. */
static void
emit_unreadable(Walk *walk)
{
    const void *object = (const void *)(walk->entry & ~(uintptr_t)TAG_MASK);
    emit_row(walk, type_unreadable(walk)->index, (Size){0, 0}, visited_id(walk, object), 0, 0);
    emit_row_end(walk);
}

/* A fault must not lose the entry being read, so it is kept in the walk. */
static void
drain(Walk *walk)
{
    if (sigsetjmp(walk->resume, 0) != 0) {
        /* The type is opaque from now on. The part of this row that is already
         * written stays. */
        if (walk->phase == PHASE_SIZE)
            read_object(walk, (PyObject *)(walk->entry & ~(uintptr_t)TAG_MASK),
                        (uint32_t)(walk->entry & TAG_MASK));
        else if (walk->phase == PHASE_TYPE)
            emit_unreadable(walk);
        else
            emit_row_end(walk);
        phase_is(walk, PHASE_NONE);
    }
    while ((walk->entry = queue_pop(walk, &walk->queue)) != 0) {
        uint32_t tag = (uint32_t)(walk->entry & TAG_MASK);
        uintptr_t address = walk->entry & ~(uintptr_t)TAG_MASK;
        if (tag == TAG_FRAME || tag == TAG_THREAD || tag == TAG_ROOT)
            read_root(walk, address, tag);
        else
            read_object(walk, (PyObject *)address, tag);
        if (walk->snapshot.row % TICK_ROWS == 0)
            progress(walk);
    }
}

/* ---- objects that no root reaches ---------------------------------------------- */

static void
read_held_by_c(Walk *walk)
{
    if (!unreached_sort(walk))
        return;
    emit_flush(walk);
    walk->snapshot.next_object += roots_push_held(walk);
    walk->snapshot.batch.first_next = walk->snapshot.next_object;
    drain(walk);
}

/* Reads an object without known references to it, and the objects behind it. */
static void
seed(Walk *walk, PyObject *object)
{
    uint32_t *place = snapshot_place(walk, object);
    if (snapshot_is_full(walk)) {
        *place = INDEX_CUT;
        walk->shared->left_out_objects++;
        return;
    }
    *place = (uint32_t)snapshot_give_index(walk) + 1;
    queue_push(walk, &walk->queue, (uintptr_t)object | TAG_CYCLE);
    drain(walk);
}

static void
seed_cycles(Walk *walk)
{
    uintptr_t object;
    while ((object = queue_pop(walk, &walk->snapshot.garbage)) != 0)
        if (*snapshot_place(walk, (PyObject *)object) == 0)
            seed(walk, (PyObject *)object);
}

/* Reads garbage that refers to objects of ops_service; the rest stays in the queue. */
static void
seed_own_garbage(Walk *walk)
{
    Snapshot *snapshot = &walk->snapshot;
    int found = 1;
    for (int round = 0; found && round < OWN_ROUNDS_MAX; round++) {
        Queue rest;
        uintptr_t object;
        queue_open(walk, &rest);
        found = 0;
        while ((object = queue_pop(walk, &snapshot->garbage)) != 0) {
            if (*snapshot_place(walk, (PyObject *)object) != 0)
                continue;
            if (!own_leads_from(walk, (PyObject *)object)) {
                queue_push(walk, &rest, object);
                continue;
            }
            walk->own = 1;
            seed(walk, (PyObject *)object);
            walk->own = 0;
            found = 1;
        }
        snapshot->garbage = rest;
    }
}

/* Reads the parts of ops_service from its own root. */
static void
read_own(Walk *walk)
{
    emit_flush(walk);
    for (int i = 0; i < walk->settings->own_count; i++)
        *snapshot_place(walk, walk->settings->own[i]) = 0;
    walk->own = 1;
    walk->snapshot.next_object += roots_push_own(walk);
    walk->snapshot.batch.first_next = walk->snapshot.next_object;
    drain(walk);
    walk->own = 0;
}

void
snapshot_walk(Walk *walk)
{
    visited_know_regions(walk);
    emit_open(walk);
    sites_open(walk);
    contents_open(walk);
    walk->class_label = LABEL(name_number_literal(walk, "__class__"), EDGE_INTERNAL);
    walk->dict_label = LABEL(name_number_literal(walk, "__dict__"), EDGE_INTERNAL);
    for (int i = 0; i < walk->settings->own_count; i++)
        *snapshot_place(walk, walk->settings->own[i]) = INDEX_OWN;
    walk->snapshot.next_object = roots_push(walk) + roots_push_others(walk);
    walk->snapshot.batch.first_next = walk->snapshot.next_object;
    drain(walk);
    /* If objects were left out, the objects behind them look like objects that no
     * root reaches. */
    if (walk->shared->left_out_objects == 0) {
        read_own(walk);
        read_held_by_c(walk);
        seed_own_garbage(walk);
        seed_cycles(walk);
    }
    deferred_emit(walk);
    progress(walk);
    emit_end(walk);
}
