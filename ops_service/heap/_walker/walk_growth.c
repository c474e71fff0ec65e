/* The walk of a growth sample: counts, sizes and lengths by folded path.
 *
 * The walk finishes each root before the next one, modules first. So it finds the
 * objects of a module there in every sample, whichever frames refer to them at that
 * moment. Weak references do not count as holders. The queue holds only objects
 * that refer to others. A parallel queue holds the node of each object's path.
 */
#include "bounds.h"
#include "edges.h"
#include "growth.h"
#include "memory.h"
#include "names.h"
#include "namespaces.h"
#include "roots.h"
#include "sites.h"
#include "unreached.h"

#include <string.h>

/* A node of a context's storage: pairs of key and value, or NULL and another node. */
typedef struct {
    PyObject_VAR_HEAD
    uint32_t bitmap;
    PyObject *array[1];
} BitmapHead;

/* Reports the values of context variables, under the names of the variables. */
static void
variable_edges(Walk *walk, PyObject *object)
{
    PyObject **array = ((BitmapHead *)object)->array;
    Py_ssize_t count = ((PyVarObject *)object)->ob_size;
    for (Py_ssize_t i = 0; i + 1 < count; i += 2) {
        if (array[i] == NULL || array[i + 1] == NULL || !PyContextVar_CheckExact(array[i]))
            continue;
        uint32_t name = name_number(walk, ((struct _pycontextvarobject *)array[i])->var_name);
        growth_edge(walk, (uintptr_t)array[i + 1], LABEL(name, EDGE_ATTRIBUTE), TAG_OBJECT);
    }
}

static void
read_entry(Walk *walk, uintptr_t address, uint32_t tag, uint32_t node)
{
    Growth *growth = &walk->growth;
    growth->at = node;
    if (tag == TAG_FRAME || tag == TAG_ROOT) {
        root_read(walk, address, tag);
        return;
    }
    PyObject *object = (PyObject *)address;
    TypeEntry *entry = type_entry(walk, Py_TYPE(object));
    reading_is(walk, entry);
    phase_is(walk, PHASE_EDGES);
    if (node >= PATH_FIRST) {
        const PathNode *nodes = growth->table->nodes;
        uint32_t parent = nodes[node].parent;
        if (tag == TAG_NAMESPACE && nodes[node].label == growth->dict_label)
            /* The attributes of an object count at the object, with or without a
             * dict. */
            growth->at = parent;
        else if (entry->shape == SHAPE_DICT && parent >= PATH_FIRST &&
                 nodes[nodes[parent].parent].type == growth->local_type)
            /* Storage of one thread in a threading.local. */
            tag = TAG_NAMESPACE;
    }
    if (tag == TAG_NAMESPACE)
        namespace_found(walk, object, 0);
    if (entry->growth.keys_by_variable)
        variable_edges(walk, object);
    edges_of(walk, object, entry);
    phase_is(walk, PHASE_NONE);
}

/* Prefetches the parts of an object whose own memory was prefetched before. */
static void
prefetch_parts(Walk *walk, uintptr_t entry)
{
    uint32_t tag = (uint32_t)(entry & TAG_MASK);
    if (tag == TAG_FRAME || tag == TAG_ROOT)
        return;
    PyObject *object = (PyObject *)(entry & ~(uintptr_t)TAG_MASK);
    TypeEntry *type = type_entry(walk, Py_TYPE(object));
    reading_is(walk, type);
    phase_is(walk, PHASE_EDGES);
    switch ((Shape)type->shape) {
    case SHAPE_LIST:
        __builtin_prefetch(((PyListObject *)object)->ob_item);
        break;
    case SHAPE_DICT:
        __builtin_prefetch(((PyDictObject *)object)->ma_keys);
        __builtin_prefetch(((PyDictObject *)object)->ma_values);
        break;
    case SHAPE_INSTANCE:
        __builtin_prefetch(layout_inline_values(object, type->type));
        break;
    default:
        break;
    }
    phase_is(walk, PHASE_NONE);
}

/* The walk mostly waits for memory, so it reads ahead in the queue: first it
 * prefetches an object, then the object's parts. Returns 0 when the queue is empty. */
static uintptr_t
next_entry(Walk *walk, uint32_t *node)
{
    Growth *growth = &walk->growth;
    while (growth->ahead_taken - growth->ahead_read < GROWTH_AHEAD) {
        uintptr_t entry = queue_pop(walk, &walk->queue);
        if (entry == 0)
            break;
        GrowthEntry *place = &growth->ahead[growth->ahead_taken++ % GROWTH_AHEAD];
        *place = (GrowthEntry){entry, (uint32_t)queue_pop(walk, &growth->nodes)};
        __builtin_prefetch((void *)(entry & ~(uintptr_t)TAG_MASK));
    }
    uint32_t waiting = growth->ahead_taken - growth->ahead_read;
    if (waiting == 0)
        return 0;
    if (waiting > GROWTH_AHEAD / 2)
        prefetch_parts(walk, growth->ahead[(growth->ahead_read + GROWTH_AHEAD / 2) % GROWTH_AHEAD]
                                 .entry);
    const GrowthEntry *next = &growth->ahead[growth->ahead_read++ % GROWTH_AHEAD];
    *node = next->node;
    return next->entry;
}

static void
drain(Walk *walk)
{
    uint32_t node;
    /* After a fault, skip the object's other references. */
    if (sigsetjmp(walk->resume, 0) != 0)
        phase_is(walk, PHASE_NONE);
    while ((walk->entry = next_entry(walk, &node)) != 0) {
        read_entry(walk, walk->entry & ~(uintptr_t)TAG_MASK, (uint32_t)(walk->entry & TAG_MASK), node);
        bounds_tick(walk);
    }
}

/* ---- roots -------------------------------------------------------------------------- */

static void
walk_root(Walk *walk, uint32_t node, uintptr_t address, uint32_t tag)
{
    walk->growth.at = node;
    root_edges(walk, address, tag);
    drain(walk);
}

/* Removes digits from the name: threads come and go, and so do their numbers. */
static uint32_t
thread_node(Walk *walk, const ThreadName *thread)
{
    char room[sizeof thread->name];
    size_t length = 0;
    for (const char *from = thread != NULL ? thread->name : ""; *from != 0; from++)
        if (*from < '0' || *from > '9')
            room[length++] = *from;
    uint32_t name = path_string(walk, room, length);
    return path_child(walk, PATH_THREADS, name << 4 | EDGE_ROOT, walk->growth.thread_type);
}

static void
walk_threads(Walk *walk, int own)
{
    uint32_t seen = 0;
    PyThreadState *thread = NULL;
    while ((thread = thread_next(walk, thread, own, &seen)) != NULL)
        walk_root(walk, own ? PATH_OWN : thread_node(walk, thread_name(walk, thread)),
                  (uintptr_t)thread, TAG_THREAD);
}

/* All of them count at one node: interpreters come and go, and so do their ids. */
static void
walk_others(Walk *walk)
{
    for (uint32_t count = roots_push_others(walk); count > 0; count--)
        queue_push(walk, &walk->growth.nodes, PATH_OTHERS);
    drain(walk);
}

static void
walk_own(Walk *walk)
{
    roots_hold_back_own(walk, 0);
    walk->own = 1;
    uintptr_t entry;
    while ((entry = queue_pop(walk, &walk->growth.own)) != 0) {
        queue_push(walk, &walk->queue, entry);
        queue_push(walk, &walk->growth.nodes, PATH_OWN);
    }
    walk_root(walk, PATH_OWN, (uintptr_t)ROOT_OWN << 3, TAG_ROOT);
    walk_threads(walk, 1);
    walk->own = 0;
}

/* ---- objects that no root reaches ---------------------------------------------------- */

static void
walk_unreached(Walk *walk, uintptr_t entry, uint32_t node)
{
    walk->growth.at = node;
    growth_edge(walk, entry & ~(uintptr_t)1, LABEL(0, EDGE_ROOT), TAG_OBJECT);
    drain(walk);
}

/* Reads all objects that C code holds first, because they may hold others among
 * them. */
static void
walk_all_unreached(Walk *walk)
{
    Queue found, rest;
    uintptr_t entry;
    queue_open(walk, &found);
    queue_open(walk, &rest);
    unreached_count(walk, 0, &found);
    while ((entry = queue_pop(walk, &found)) != 0) {
        PyObject *object = (PyObject *)(entry & ~(uintptr_t)1);
        if (visited_is_marked(walk, &walk->visited, object))
            continue;
        if (unreached_is_held_by_c(walk, object))
            walk_unreached(walk, entry, PATH_HELD_BY_C);
        else
            queue_push(walk, &rest, entry);
    }
    while ((entry = queue_pop(walk, &rest)) != 0)
        walk_unreached(walk, entry, entry & 1 ? PATH_FROZEN_GARBAGE : PATH_GARBAGE);
}

void
growth_walk(Walk *walk)
{
    Growth *growth = &walk->growth;
    queue_open(walk, &growth->nodes);
    queue_open(walk, &growth->own);
    growth->recent = memory_piece(walk, GROWTH_RECENT * sizeof(PathPlace));
    memset(growth->recent, 0, GROWTH_RECENT * sizeof(PathPlace));
    growth->table = walk->settings->growth.table;
    path_strings_open(walk);
    path_trie_open(walk);
    sites_open(walk);
    walk->class_label = LABEL(name_number_literal(walk, "__class__"), EDGE_INTERNAL);
    walk->dict_label = LABEL(name_number_literal(walk, "__dict__"), EDGE_INTERNAL);
    growth->dict_label = growth->names[walk->dict_label >> 4] << 4 | EDGE_INTERNAL;
    roots_hold_back_own(walk, 1);
    walk_root(walk, PATH_MODULES, (uintptr_t)ROOT_MODULES << 3, TAG_ROOT);
    walk_root(walk, PATH_INTERPRETER, (uintptr_t)ROOT_INTERPRETER << 3, TAG_ROOT);
    walk_threads(walk, 0);
    walk_others(walk);
    walk_own(walk);
    walk_all_unreached(walk);
    growth_emit(walk);
}
