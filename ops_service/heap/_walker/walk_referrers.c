/* The search for what holds an object, or the objects of a type.
 *
 * Breadth first from the roots, so that the object that finds another lies on a
 * shortest way to it: modules and the stacks of threads first, then the interpreter,
 * then what only ops_service holds, then what no root reaches. Objects that refer to
 * others wait in rows that are kept, each with the row that found it. What lies behind
 * an object that is asked for is read last, so that no way to it leads through itself.
 */
#include "walker.h"

#include <string.h>
#include <time.h>

#define TICK_ROWS 4096u

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void
referrer_name(Walk *walk, uint32_t number, const char *text, size_t length)
{
    walk->referrers->names[number] = (ReferrerName){text, length};
}

int
referrer_wants(Walk *walk, PyTypeObject *type)
{
    return walk->referrers->address == 0 &&
           lookup_is_named(type, walk->settings->referrers_of_type);
}

/* ---- rows --------------------------------------------------------------------------- */

ReferrerRow *
referrer_row(Referrers *referrers, uint32_t number)
{
    return &referrers->blocks[number / ROW_BLOCK][number % ROW_BLOCK];
}

static void
row_add(Walk *walk, uintptr_t entry, uint32_t parent, uint32_t label)
{
    Referrers *referrers = walk->referrers;
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

/* ---- ways --------------------------------------------------------------------------- */

/* Of a type with very many objects, ways to some are kept that lie spread over all. */
static void
way_add(Walk *walk, uintptr_t entry, uint32_t label)
{
    Referrers *referrers = walk->referrers;
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

/* A reference to the object that is asked for. */
static void
way_to_object(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag)
{
    Referrers *referrers = walk->referrers;
    int is_first = !referrers->is_found;
    if (referrers->is_following)
        return;
    referrers->objects += (uint64_t)is_first;
    referrers->is_found = 1;
    if (is_first || referrers->latest != referrers->at)
        way_add(walk, target | tag, label);
    referrers->latest = referrers->at;
    if (is_first) {
        visited_mark(walk, &walk->visited, (void *)target, 1);
        if (!referrers->is_barrier)
            row_add(walk, target | tag, referrers->at, label);
    }
}

void
referrer_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag)
{
    Referrers *referrers = walk->referrers;
    if (tag == TAG_FRAME) {
        row_add(walk, target | tag, referrers->at, label);
        return;
    }
    if (target == referrers->address)
        way_to_object(walk, target, label, tag);
    else if (visited_mark(walk, &walk->visited, (void *)target, 1)) {
        TypeEntry *entry = type_entry(walk, Py_TYPE((PyObject *)target));
        if (entry->wanted) {
            referrers->objects++;
            way_add(walk, target | tag, label);
        }
        if (entry->shape != SHAPE_LEAF)
            row_add(walk, target | tag, referrers->at, label);
    }
    if (tag == TAG_NAMESPACE)
        namespace_found(walk, (PyObject *)target, 0);
    if (label == LABEL(0, KIND_ELEMENT))
        referrers->element++;
}

/* ---- the walk ------------------------------------------------------------------------ */

static void
read_row(Walk *walk)
{
    Referrers *referrers = walk->referrers;
    uintptr_t entry = referrer_row(referrers, referrers->next)->entry;
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
    Referrers *referrers = walk->referrers;
    /* After a fault the object's other references are given up. */
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
    row_add(walk, entry, ROW_NONE, 0);
}

/* Takes the roots that were pushed; all but the interpreter, which comes later. */
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
    Referrers *referrers = walk->referrers;
    gc_lists_begin(walk);
    PyObject *object;
    while (!referrers->stopped && (object = gc_lists_next(walk)) != NULL) {
        if (visited_is_marked(walk, &walk->visited, object) ||
            (held_by_c && !unreached_is_held_by_c(walk, object)))
            continue;
        visited_mark(walk, &walk->visited, object, 1);
        uintptr_t entry = (uintptr_t)object | (held_by_c ? TAG_HELD_BY_C : TAG_CYCLE);
        if ((uintptr_t)object == referrers->address || type_entry(walk, Py_TYPE(object))->wanted) {
            referrers->objects++;
            referrers->is_found = 1;
            way_add(walk, entry, 0);
        }
        begin(walk, entry);
        drain(walk);
    }
}

/* Reads what lies behind the object. What refers back to it is held by it alone. */
static void
follow_object(Walk *walk)
{
    Referrers *referrers = walk->referrers;
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
    Referrers *referrers = walk->referrers;
    referrers->is_barrier = referrers->address != 0;
    roots_hold_back_own(walk, 1);
    roots_push(walk);
    begin_roots(walk);
    begin(walk, (uintptr_t)ROOT_INTERPRETER << 3 | TAG_ROOT);
    drain(walk);
    roots_hold_back_own(walk, 0);
    roots_push_own(walk);
    begin_roots(walk);
    referrers->is_barrier = 0;
    if (referrers->is_found)
        follow_object(walk);
    if (!referrers->stopped)
        unreached_count(walk, NULL);
    begin_unreached(walk, 1);
    /* Garbage is no reason to live for what a root reaches. */
    if (!referrers->is_followed)
        begin_unreached(walk, 0);
}

void
referrer_walk(Walk *walk)
{
    const Settings *settings = walk->settings;
    Referrers *referrers = walk->referrers;
    referrers->blocks = memory_map(walk, ROW_BLOCKS_MAX * sizeof(ReferrerRow *));
    referrers->names = memory_map(walk, (NAMES_MAX + 1) * sizeof(ReferrerName));
    referrers->nodes = memory_map(walk, (NODES_MAX + 1) * sizeof(ReferrerNode));
    referrers->address = lookup_address(settings->regions, settings->referrers_of);
    referrers->stop_at = seconds_now() + settings->referrers_seconds;
    referrers->stride = 1;
    referrers->at = ROW_NONE;
    walk->class_label = LABEL(name_number_literal(walk, "__class__"), KIND_INTERNAL);
    walk->dict_label = LABEL(name_number_literal(walk, "__dict__"), KIND_INTERNAL);
    if (settings->referrers_of == 0 || referrers->address != 0)
        search(walk);
    walk->shared->objects = referrers->count;
    referrer_emit(walk);
}
