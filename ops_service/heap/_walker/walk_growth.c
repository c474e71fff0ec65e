/* The walk of a growth sample: counts, sizes and lengths by folded path.
 *
 * Each root is walked to its end before the next one begins, modules first, so
 * that what a module holds is found there in every sample, whichever frames happen
 * to refer to it at that moment. Weak references hold nothing. Only objects that
 * refer to others wait, each with the node of its path in a queue beside.
 */
#include "walker.h"

#include <string.h>

#define NAME_ROOM 1100u
/* What CPython's small-object allocator serves. */
#define SMALL_SIZE_MAX 512u
#define SITE_ROOM 512u

/* ---- types ---------------------------------------------------------------------- */

enum { BUFFER_NONE, BUFFER_BYTES, BUFFER_TEXT, KEYS_BY_VARIABLE };

static int
is_text(const char *text, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(text, wanted, length) == 0;
}

void
path_type(Walk *walk, TypeEntry *entry)
{
    char room[NAME_ROOM];
    const char *parts[2];
    size_t lengths[2], at = 0;
    type_name(entry->type, &parts[0], &lengths[0], &parts[1], &lengths[1]);
    for (int i = 0; i < 2; i++) {
        size_t length = lengths[i] < NAME_ROOM / 2 - 2 ? lengths[i] : NAME_ROOM / 2 - 2;
        memcpy(room + at, parts[i], length);
        at += length;
        if (i == 0 && length > 0)
            room[at++] = '.';
    }
    entry->path_type = trie_string(walk, room, at);
    if (is_text(room, at, "_io.BytesIO"))
        entry->path_kind = BUFFER_BYTES;
    else if (is_text(room, at, "_io.StringIO"))
        entry->path_kind = BUFFER_TEXT;
    else if (is_text(room, at, "hamt_bitmap_node"))
        entry->path_kind = KEYS_BY_VARIABLE;
}

/* The beginnings of bytesio and stringio, the same in CPython 3.11 to 3.13. */
typedef struct {
    PyObject_HEAD
    void *buffer;
    Py_ssize_t position;
    Py_ssize_t length;
} BufferHead;

/* A node of what a context keeps: keys and values by turns, or no key and a node. */
typedef struct {
    PyObject_VAR_HEAD
    uint32_t bitmap;
    PyObject *array[1];
} BitmapHead;

static uint64_t
length_of(PyObject *object, const TypeEntry *entry)
{
    if (entry->path_kind == BUFFER_BYTES || entry->path_kind == BUFFER_TEXT)
        return (uint64_t)((BufferHead *)object)->length;
    if (entry->container == SHAPE_DICT)
        return (uint64_t)((PyDictObject *)object)->ma_used;
    if (entry->container == SHAPE_SET)
        return (uint64_t)((PySetObject *)object)->used;
    if (entry->container == SHAPE_LIST || entry->size_kind == SIZE_DEQUE ||
        entry->size_kind == SIZE_BYTEARRAY || entry->size_kind == SIZE_ARRAY)
        return (uint64_t)((PyVarObject *)object)->ob_size;
    return 0;
}

/* ---- edges ------------------------------------------------------------------------ */

/* Containers keep what is newest last, so what is found past the number of objects
 * that there were before is what came since. */
static void
note_site(Walk *walk, uint32_t node, PyObject *object)
{
    Paths *paths = walk->paths;
    const PathTable *table = paths->table;
    if (table->sample_count == 0 || paths->sums[node].count <= table->nodes[node].sums.count)
        return;
    char room[SITE_ROOM];
    size_t length = site_text(object, room, sizeof room);
    if (length > 0)
        paths->sites[node] = trie_string(walk, room, length);
}

static void
count(Walk *walk, uint32_t node, PyObject *object, TypeEntry *entry)
{
    Paths *paths = walk->paths;
    PathSums *sums = &paths->sums[node];
    TypeEntry *reading = walk->reading;
    reading_is(walk, entry);
    Size size = size_of(walk->settings, object, entry);
    uint64_t length = entry->opaque ? 0 : length_of(object, entry);
    uint64_t bytes = size.counted + size.extra;
    if (entry->path_kind == BUFFER_BYTES)
        bytes += length;
    if (entry->path_kind == BUFFER_TEXT)
        bytes += length * sizeof(Py_UCS4);
    sums->count++;
    sums->size += bytes;
    sums->length += length;
    if (walk->sites.on)
        note_site(walk, node, object);
    reading_is(walk, reading);
    if (bytes > SMALL_SIZE_MAX)
        *(node == PATH_OWN ? &paths->own_large_size : &paths->large_size) += bytes;
    if (node == PATH_OTHER)
        paths->past_bound++;
}

static uint32_t
node_of(Walk *walk, uint32_t label, uint32_t type)
{
    Paths *paths = walk->paths;
    /* Elements of a container tend to be alike, and so do the parts of each. */
    uint64_t key = ((uint64_t)paths->at << 32 | label) + ((uint64_t)type << 20);
    uint64_t mixed = key * UINT64_C(0x9E3779B97F4A7C15);
    PathPlace *recent = &paths->recent[mixed >> 40 & (PATHS_RECENT - 1)];
    if (recent->parent == paths->at && recent->label == label && recent->type == type)
        return recent->node;
    uint32_t name = label >> 4;
    uint32_t stable = (name != 0 ? paths->names[name] << 4 : 0) | (label & 15);
    uint32_t node = trie_child(walk, paths->at, stable, type);
    *recent = (PathPlace){paths->at, label, type, node};
    return node;
}

void
path_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag)
{
    Paths *paths = walk->paths;
    if (tag == TAG_FRAME) {
        queue_push(walk, &walk->queue, target | tag);
        queue_push(walk, &paths->nodes, node_of(walk, label, paths->frame_type));
        return;
    }
    PyObject *object = (PyObject *)target;
    if (!visited_mark(walk, &walk->visited, object, 1))
        return;
    TypeEntry *entry = type_entry(walk, Py_TYPE(object));
    uint32_t node = walk->own || entry->own ? PATH_OWN : node_of(walk, label, entry->path_type);
    count(walk, node, object, entry);
    if (entry->shape == SHAPE_LEAF)
        return;
    /* Whatever the application holds is found from there first. */
    if (node == PATH_OWN && !walk->own) {
        queue_push(walk, &paths->own, target | tag);
        return;
    }
    queue_push(walk, &walk->queue, target | tag);
    queue_push(walk, &paths->nodes, node);
}

/* The values of context variables, by the names of these. */
static void
variable_edges(Walk *walk, PyObject *object)
{
    PyObject **array = ((BitmapHead *)object)->array;
    Py_ssize_t count = ((PyVarObject *)object)->ob_size;
    for (Py_ssize_t i = 0; i + 1 < count; i += 2) {
        if (array[i] == NULL || array[i + 1] == NULL || !PyContextVar_CheckExact(array[i]))
            continue;
        uint32_t name = name_number(walk, ((struct _pycontextvarobject *)array[i])->var_name);
        path_edge(walk, (uintptr_t)array[i + 1], LABEL(name, KIND_ATTRIBUTE), TAG_OBJECT);
    }
}

static void
read_entry(Walk *walk, uintptr_t address, uint32_t tag, uint32_t node)
{
    Paths *paths = walk->paths;
    paths->at = node;
    if (tag == TAG_FRAME) {
        root_read(walk, address, tag);
        return;
    }
    PyObject *object = (PyObject *)address;
    TypeEntry *entry = type_entry(walk, Py_TYPE(object));
    reading_is(walk, entry);
    phase_is(walk, PHASE_EDGES);
    if (node >= PATH_FIRST) {
        const PathNode *nodes = paths->table->nodes;
        uint32_t parent = nodes[node].parent;
        if (tag == TAG_NAMESPACE && nodes[node].label == paths->dict_label)
            /* The attributes of an object, whether it has a dict of its own or not. */
            paths->at = parent;
        else if (entry->shape == SHAPE_DICT && parent >= PATH_FIRST &&
                 nodes[nodes[parent].parent].type == paths->local_type)
            /* What a thread keeps in a threading.local. */
            tag = TAG_NAMESPACE;
    }
    if (tag == TAG_NAMESPACE)
        namespace_found(walk, object, 0);
    if (entry->path_kind == KEYS_BY_VARIABLE)
        variable_edges(walk, object);
    edges_of(walk, object, entry);
    phase_is(walk, PHASE_NONE);
}

/* Has the parts of an object fetched whose own memory was fetched before. */
static void
prefetch_parts(Walk *walk, uintptr_t entry)
{
    if ((entry & TAG_MASK) == TAG_FRAME)
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

/* Memory is what a walk waits for, so that it reads ahead in the queue: first of an
 * object itself, then of its parts. Returns 0 when the queue is empty. */
static uintptr_t
next_entry(Walk *walk, uint32_t *node)
{
    Paths *paths = walk->paths;
    while (paths->ahead_taken - paths->ahead_read < PATHS_AHEAD) {
        uintptr_t entry = queue_pop(walk, &walk->queue);
        if (entry == 0)
            break;
        PathEntry *place = &paths->ahead[paths->ahead_taken++ % PATHS_AHEAD];
        *place = (PathEntry){entry, (uint32_t)queue_pop(walk, &paths->nodes)};
        __builtin_prefetch((void *)(entry & ~(uintptr_t)TAG_MASK));
    }
    uint32_t waiting = paths->ahead_taken - paths->ahead_read;
    if (waiting == 0)
        return 0;
    if (waiting > PATHS_AHEAD / 2)
        prefetch_parts(walk, paths->ahead[(paths->ahead_read + PATHS_AHEAD / 2) % PATHS_AHEAD].entry);
    const PathEntry *next = &paths->ahead[paths->ahead_read++ % PATHS_AHEAD];
    *node = next->node;
    return next->entry;
}

static void
drain(Walk *walk)
{
    uint32_t node;
    /* After a fault the object's other references are given up. */
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
    walk->paths->at = node;
    root_edges(walk, address, tag);
    drain(walk);
}

/* Threads come and go, and their numbers with them. */
static uint32_t
thread_node(Walk *walk, const ThreadName *thread)
{
    char room[sizeof thread->name];
    size_t length = 0;
    for (const char *from = thread != NULL ? thread->name : ""; *from != 0; from++)
        if (*from < '0' || *from > '9')
            room[length++] = *from;
    uint32_t name = trie_string(walk, room, length);
    return trie_child(walk, PATH_THREADS, name << 4 | KIND_ROOT, walk->paths->thread_type);
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

static void
walk_own(Walk *walk)
{
    roots_hold_back_own(walk, 0);
    walk->own = 1;
    uintptr_t entry;
    while ((entry = queue_pop(walk, &walk->paths->own)) != 0) {
        queue_push(walk, &walk->queue, entry);
        queue_push(walk, &walk->paths->nodes, PATH_OWN);
    }
    walk_root(walk, PATH_OWN, (uintptr_t)ROOT_OWN << 3, TAG_ROOT);
    walk_threads(walk, 1);
    walk->own = 0;
}

/* ---- objects that no root reaches ---------------------------------------------------- */

static void
walk_unreached(Walk *walk, uintptr_t entry, uint32_t node)
{
    walk->paths->at = node;
    path_edge(walk, entry & ~(uintptr_t)1, LABEL(0, KIND_ROOT), TAG_OBJECT);
    drain(walk);
}

/* First all that C code holds, since that may hold others among them. */
static void
walk_all_unreached(Walk *walk)
{
    Queue found, rest;
    uintptr_t entry;
    queue_open(walk, &found);
    queue_open(walk, &rest);
    unreached_count(walk, &found);
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
path_walk(Walk *walk)
{
    Paths *paths = walk->paths;
    queue_open(walk, &paths->nodes);
    queue_open(walk, &paths->own);
    paths->recent = memory_piece(walk, PATHS_RECENT * sizeof(PathPlace));
    memset(paths->recent, 0, PATHS_RECENT * sizeof(PathPlace));
    trie_open(walk);
    sites_open(walk);
    walk->class_label = LABEL(name_number_literal(walk, "__class__"), KIND_INTERNAL);
    walk->dict_label = LABEL(name_number_literal(walk, "__dict__"), KIND_INTERNAL);
    paths->dict_label = paths->names[walk->dict_label >> 4] << 4 | KIND_INTERNAL;
    roots_hold_back_own(walk, 1);
    walk_root(walk, PATH_MODULES, (uintptr_t)ROOT_MODULES << 3, TAG_ROOT);
    walk_root(walk, PATH_INTERPRETER, (uintptr_t)ROOT_INTERPRETER << 3, TAG_ROOT);
    walk_threads(walk, 0);
    walk_own(walk);
    walk_all_unreached(walk);
    trie_emit(walk);
}
