/* The walk of a snapshot: breadth first from the roots, then from whatever the
 * collector's lists hold that no root reached.
 *
 * Breadth first, the object that finds another lies on a shortest path from a
 * root to it. Objects that no root reaches come last: first those that C code
 * holds, from a root of their own, then those that are left, which form cycles.
 */
#include "walker.h"

#define TICK_ROWS 4096u
#define CALL_ARGUMENTS_MAX 64

enum {
    FLAG_TRACKED = 1,
    FLAG_IMMORTAL = 2,
    FLAG_ROOT = 4,
    FLAG_SIZE_ESTIMATED = 8,
    FLAG_CYCLE = 32,
    FLAG_OWN = 64,
};

static uint32_t *
index_place(Walk *walk, const void *address)
{
    Region *region = visited_region(walk, &walk->visited, address);
    uint32_t *indexes = region->indexes;
    if (indexes == NULL)
        indexes = visited_indexes(walk, region);
    return &indexes[visited_granule(address)];
}

static uint64_t
give_index(Walk *walk)
{
    if (walk->next_object >= INDEX_CUT - 1)
        child_end(walk->shared, STATUS_CORRUPT, 0);
    return walk->next_object++;
}

/* Whether no further object may come into the snapshot. */
static int
is_full(const Walk *walk)
{
    uint64_t most = walk->settings->max_objects;
    return most != 0 && walk->next_object >= most;
}

void
graph_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag)
{
    if (tag == TAG_FRAME && is_full(walk)) {
        walk->shared->left_out_objects++;
        walk->shared->left_out_edges++;
        return;
    }
    if (tag == TAG_FRAME) {
        give_index(walk);
        queue_push(walk, &walk->queue, target | tag);
        emit_edge(walk, 0, label);
        return;
    }
    uint32_t *place = index_place(walk, (void *)target);
    uint64_t next = walk->next_object;
    if (*place == 0 && is_full(walk)) {
        *place = INDEX_CUT;
        walk->shared->left_out_objects++;
    }
    if (*place == INDEX_CUT) {
        walk->shared->left_out_edges++;
        return;
    }
    if (*place == 0) {
        *place = (uint32_t)give_index(walk) + 1;
        queue_push(walk, &walk->queue, target | tag);
        emit_edge(walk, 0, label);
        if (tag == TAG_NAMESPACE)
            namespace_found(walk, (PyObject *)target, 0);
        return;
    }
    if (*place == INDEX_OWN) {
        late_add(walk, walk->row - 1, (void *)target, label);
        return;
    }
    uint64_t index = *place - 1;
    uint64_t absolute = index << 1 | 1;
    uint64_t relative = (next - index) << 1;
    emit_edge(walk, relative < absolute ? relative : absolute, label);
    if (tag == TAG_NAMESPACE)
        namespace_found(walk, (PyObject *)target, (uint32_t)index + 1);
}

/* Keyword arguments of a call of ours that is under way: a dict that only C holds,
 * with an instance of a type of ours in it. */
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
    if (walk->shows_contents)
        content_of_row(walk, object, entry);
    edges_of(walk, object, entry);
    if (PyWeakref_Check(object)) {
        PyObject *referent = ((PyWeakReference *)object)->wr_object;
        if (referent != NULL && referent != Py_None)
            late_add(walk, walk->row - 1, referent, LABEL(0, KIND_WEAK));
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
    shared->objects = walk->row;
    shared->edges = walk->edge_count;
    shared->types = walk->types.count;
    shared->names = walk->names.count;
    shared->total_size = walk->total_size;
    bounds_check(walk);
}

/* Its row has a place in the order of all, so it stands there without an object. */
static void
emit_unreadable(Walk *walk)
{
    const void *object = (const void *)(walk->entry & ~(uintptr_t)TAG_MASK);
    emit_row(walk, type_unreadable(walk)->index, (Size){0, 0}, visited_id(walk, object), 0, 0);
    emit_row_end(walk);
}

/* The entry being read survives a fault in it, so it lives in the walk. */
static void
drain(Walk *walk)
{
    if (sigsetjmp(walk->resume, 0) != 0) {
        /* The type is opaque from now on; what of this row is written stays. */
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
        if (walk->row % TICK_ROWS == 0)
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
    walk->next_object += roots_push_held(walk);
    walk->batch.first_next = walk->next_object;
    drain(walk);
}

int
graph_is_held_back(Walk *walk, const void *object)
{
    return *index_place(walk, object) == INDEX_OWN;
}

int
graph_is_unreached(Walk *walk, const void *object)
{
    return *index_place(walk, object) == 0;
}

void
graph_seed(Walk *walk, PyObject *object)
{
    uint32_t *place = index_place(walk, object);
    if (is_full(walk)) {
        *place = INDEX_CUT;
        walk->shared->left_out_objects++;
        return;
    }
    *place = (uint32_t)give_index(walk) + 1;
    queue_push(walk, &walk->queue, (uintptr_t)object | TAG_CYCLE);
    drain(walk);
}

static void
seed_cycles(Walk *walk)
{
    uintptr_t object;
    while ((object = queue_pop(walk, &walk->garbage)) != 0)
        if (graph_is_unreached(walk, (PyObject *)object))
            graph_seed(walk, (PyObject *)object);
}

/* What ops_service itself is made of, from a root of its own. */
static void
read_own(Walk *walk)
{
    emit_flush(walk);
    for (int i = 0; i < walk->settings->own_count; i++)
        *index_place(walk, walk->settings->own[i]) = 0;
    walk->own = 1;
    walk->next_object += roots_push_own(walk);
    walk->batch.first_next = walk->next_object;
    drain(walk);
    walk->own = 0;
}

void
graph_walk(Walk *walk)
{
    emit_open(walk);
    sites_open(walk);
    contents_open(walk);
    walk->class_label = LABEL(name_number_literal(walk, "__class__"), KIND_INTERNAL);
    walk->dict_label = LABEL(name_number_literal(walk, "__dict__"), KIND_INTERNAL);
    for (int i = 0; i < walk->settings->own_count; i++)
        *index_place(walk, walk->settings->own[i]) = INDEX_OWN;
    walk->next_object = roots_push(walk);
    walk->batch.first_next = walk->next_object;
    drain(walk);
    /* What lies behind what was left out cannot be told from what no root reaches. */
    if (walk->shared->left_out_objects == 0) {
        read_own(walk);
        read_held_by_c(walk);
        own_seed_garbage(walk);
        seed_cycles(walk);
    }
    late_emit(walk);
    progress(walk);
    emit_end(walk);
}
