/* Handles references in a growth sample. A new object is counted at the node of its folded
 * path, and is queued with the node if it refers to others.
 */
#include "edges.h"
#include "growth.h"
#include "sites.h"
#include "sizes.h"
#include "walk.h"

/* Largest size that CPython's small-object allocator serves. */
#define SMALL_SIZE_MAX 512u
#define SITE_ROOM 512u

/* The beginning of bytesio and stringio, the same in CPython 3.11 to 3.15. */
typedef struct {
    PyObject_HEAD
    void *buffer;
    Py_ssize_t position;
    Py_ssize_t length;
} BufferHead;

static uint64_t
length_of(PyObject *object, const TypeEntry *entry)
{
    if (entry->growth.buffer == BUFFER_BYTES || entry->growth.buffer == BUFFER_TEXT)
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

/* Containers keep their newest objects last. So objects found past the previous count are
 * the new ones. */
static void
note_site(Walk *walk, uint32_t node, PyObject *object)
{
    Growth *growth = &walk->growth;
    const PathTable *table = growth->table;
    if (table->sample_count == 0 || growth->sums[node].count <= table->nodes[node].sums.count)
        return;
    char room[SITE_ROOM];
    size_t length = site_text(walk, object, room, sizeof room);
    if (length > 0)
        growth->sites[node] = path_string(walk, room, length);
}

static void
count(Walk *walk, uint32_t node, PyObject *object, TypeEntry *entry)
{
    Growth *growth = &walk->growth;
    PathSums *sums = &growth->sums[node];
    TypeEntry *reading = walk->reading;
    reading_is(walk, entry);
    Size size = size_of(walk->settings, object, entry);
    uint64_t length = entry->opaque ? 0 : length_of(object, entry);
    uint64_t bytes = size.counted + size.extra;
    if (entry->growth.buffer == BUFFER_BYTES)
        bytes += length;
    if (entry->growth.buffer == BUFFER_TEXT)
        bytes += length * sizeof(Py_UCS4);
    sums->count++;
    sums->size += bytes;
    sums->length += length;
    if (walk->sites.on)
        note_site(walk, node, object);
    reading_is(walk, reading);
    if (bytes > SMALL_SIZE_MAX)
        *(node == PATH_OWN ? &growth->own_large_size : &growth->large_size) += bytes;
    if (node == PATH_OTHER)
        growth->past_bound++;
}

static uint32_t
node_of(Walk *walk, uint32_t label, uint32_t type)
{
    Growth *growth = &walk->growth;
    /* Elements of a container are usually alike, and so are the parts of each. */
    uint64_t key = ((uint64_t)growth->at << 32 | label) + ((uint64_t)type << 20);
    uint64_t mixed = key * UINT64_C(0x9E3779B97F4A7C15);
    PathPlace *recent = &growth->recent[mixed >> 40 & (GROWTH_RECENT - 1)];
    if (recent->parent == growth->at && recent->label == label && recent->type == type)
        return recent->node;
    uint32_t name = label >> 4;
    uint32_t stable = (name != 0 ? growth->names[name] << 4 : 0) | (label & 15);
    uint32_t node = path_child(walk, growth->at, stable, type);
    *recent = (PathPlace){growth->at, label, type, node};
    return node;
}

void
growth_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag)
{
    Growth *growth = &walk->growth;
    if (tag == TAG_FRAME) {
        queue_push(walk, &walk->queue, target | tag);
        queue_push(walk, &growth->nodes, node_of(walk, label, growth->frame_type));
        return;
    }
    PyObject *object = (PyObject *)target;
    if (!visited_mark(walk, &walk->visited, object, 1))
        return;
    TypeEntry *entry = type_entry(walk, Py_TYPE(object));
    uint32_t node = walk->own || entry->own ? PATH_OWN : node_of(walk, label, entry->growth.string);
    count(walk, node, object, entry);
    if (entry->shape == SHAPE_LEAF)
        return;
    /* Queue it for later: objects that the application holds must be found from the
     * application first. */
    if (node == PATH_OWN && !walk->own) {
        queue_push(walk, &growth->own, target | tag);
        return;
    }
    queue_push(walk, &walk->queue, target | tag);
    queue_push(walk, &growth->nodes, node);
}
