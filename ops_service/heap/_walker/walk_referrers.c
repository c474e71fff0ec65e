/* The search for the holders of an object, or of the objects of a type.
 *
 * Breadth first from the roots, so the object that finds another is on a shortest path
 * to it. Order: modules and the stacks of threads, then the interpreter, then other
 * interpreters, then objects that only ops_service holds, then objects that no root reaches. Objects that refer
 * to others become rows, which are kept, each with the row that found it. The
 * references of the searched object are read last, so no path to it leads through
 * itself.
 */
#include "bounds.h"
#include "edges.h"
#include "lookup.h"
#include "memory.h"
#include "names.h"
#include "queue.h"
#include "referrers.h"
#include "roots.h"
#include "unreached.h"

#include <time.h>

#define TICK_ROWS 4096u

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
read_row(Walk *walk)
{
    Referrers *referrers = &walk->referrers;
    uintptr_t entry = referrers_row(referrers, referrers->next)->entry;
    uint32_t tag = (uint32_t)(entry & TAG_MASK);
    uintptr_t address = entry & ~(uintptr_t)TAG_MASK;
    referrers->at = referrers->next++;
    referrers->element = 0;
    walk->entry = entry;
    if (tag == TAG_FRAME || tag == TAG_THREAD || tag == TAG_ROOT) {
        root_read(walk, address, tag);
        return;
    }
    TypeEntry *type = type_entry(walk, Py_TYPE((PyObject *)address));
    reading_is(walk, type);
    phase_is(walk, PHASE_EDGES);
    edges_of(walk, (PyObject *)address, type);
    phase_is(walk, PHASE_NONE);
}

static void
drain(Walk *walk)
{
    Referrers *referrers = &walk->referrers;
    /* After a fault, skip the object's other references. */
    if (sigsetjmp(walk->resume, 0) != 0)
        phase_is(walk, PHASE_NONE);
    while (!referrers->stopped && referrers->next < referrers->count) {
        read_row(walk);
        if (referrers->next % TICK_ROWS == 0) {
            bounds_check(walk);
            referrers->stopped = seconds_now() > referrers->stop_at;
        }
    }
    referrers->at = ROW_NONE;
    referrers->element = 0;
}

static void
begin(Walk *walk, uintptr_t entry)
{
    referrers_row_add(walk, entry, ROW_NONE, 0);
}

/* Starts from the pushed roots, except the interpreter, which comes later. */
static void
begin_roots(Walk *walk)
{
    uintptr_t entry;
    while ((entry = queue_pop(walk, &walk->queue)) != 0)
        if (entry != ((uintptr_t)ROOT_INTERPRETER << 3 | TAG_ROOT))
            begin(walk, entry);
    drain(walk);
}

static void
begin_unreached(Walk *walk, int held_by_c)
{
    Referrers *referrers = &walk->referrers;
    gc_lists_begin(walk);
    PyObject *object;
    while (!referrers->stopped && (object = gc_lists_next(walk)) != NULL) {
        if (visited_is_marked(walk, &walk->visited, object) ||
            (held_by_c && !unreached_is_held_by_c(walk, object)))
            continue;
        visited_mark(walk, &walk->visited, object, 1);
        uintptr_t entry = (uintptr_t)object | (held_by_c ? TAG_HELD_BY_C : TAG_CYCLE);
        if ((uintptr_t)object == referrers->address ||
            type_entry(walk, Py_TYPE(object))->referrers.wanted) {
            referrers->objects++;
            referrers->is_found = 1;
            referrers_way_add(walk, entry, 0);
        }
        begin(walk, entry);
        drain(walk);
    }
}

/* Reads the objects behind the searched object. Only it holds those that refer back to
 * it. */
static void
follow_object(Walk *walk)
{
    Referrers *referrers = &walk->referrers;
    visited_mark(walk, &walk->visited, (void *)referrers->address, 1);
    referrers->is_following = 1;
    begin(walk, referrers->address | TAG_OBJECT);
    drain(walk);
    referrers->is_following = 0;
    referrers->is_followed = 1;
}

static void
search(Walk *walk)
{
    Referrers *referrers = &walk->referrers;
    referrers->is_barrier = referrers->address != 0;
    roots_hold_back_own(walk, 1);
    roots_push(walk);
    begin_roots(walk);
    begin(walk, (uintptr_t)ROOT_INTERPRETER << 3 | TAG_ROOT);
    drain(walk);
    roots_push_others(walk);
    begin_roots(walk);
    roots_hold_back_own(walk, 0);
    roots_push_own(walk);
    begin_roots(walk);
    referrers->is_barrier = 0;
    if (referrers->is_found)
        follow_object(walk);
    if (!referrers->stopped)
        unreached_count(walk, 0, NULL);
    begin_unreached(walk, 1);
    /* Garbage does not keep an object alive that a root reaches. */
    if (!referrers->is_followed)
        begin_unreached(walk, 0);
}

void
referrers_walk(Walk *walk)
{
    const ReferrersSettings *settings = &walk->settings->referrers;
    Referrers *referrers = &walk->referrers;
    visited_know_regions(walk);
    referrers->blocks = memory_map(walk, ROW_BLOCKS_MAX * sizeof(ReferrerRow *));
    referrers->names = memory_map(walk, (NAMES_MAX + 1) * sizeof(ReferrerName));
    referrers->nodes = memory_map(walk, (NODES_MAX + 1) * sizeof(ReferrerNode));
    referrers->address = lookup_address(walk->settings->regions, settings->id);
    referrers->stop_at = seconds_now() + settings->seconds;
    referrers->stride = 1;
    referrers->at = ROW_NONE;
    walk->class_label = LABEL(name_number_literal(walk, "__class__"), EDGE_INTERNAL);
    walk->dict_label = LABEL(name_number_literal(walk, "__dict__"), EDGE_INTERNAL);
    if (settings->id == 0 || referrers->address != 0)
        search(walk);
    walk->shared->objects = referrers->count;
    referrers_emit(walk);
}
