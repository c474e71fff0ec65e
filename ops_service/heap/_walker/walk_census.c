/* The walk of a census: counts and bytes by type. One bit an object tells what
 * was seen; only objects that refer to others wait in the queue.
 *
 * Output, one record a type: count, bytes as sys.getsizeof counts, bytes that it
 * leaves out (8 bytes each), bits (1), lengths of module and name (2 each),
 * module, name. All numbers little-endian. A count of zero is the end.
 */
#include "walker.h"

#include <string.h>

#define OUTPUT_CAPACITY (64u << 10)
#define RECORD_MAX (4096u + 64u)
#define TEXT_MAX 1024u

enum { RECORD_ESTIMATED = 1, RECORD_OWN = 2 };

void
census_edge(Walk *walk, PyObject *target)
{
    if (!visited_mark(walk, &walk->visited, target, 1))
        return;
    TypeEntry *reading = walk->reading;
    reading_is(walk, walk->types.unreadable);
    TypeEntry *entry = type_entry(walk, Py_TYPE(target));
    int own = walk->own || entry->own;
    entry->count[own]++;
    walk->row++;
    reading_is(walk, entry);
    Size size = size_of(walk->settings, target, entry);
    entry->total_size[own] += size.counted;
    entry->extra_size[own] += size.extra;
    reading_is(walk, reading);
    if (entry->shape != SHAPE_LEAF)
        queue_push(walk, &walk->queue, (uintptr_t)target);
}

static void
drain(Walk *walk)
{
    /* After a fault the object's other references are given up. */
    if (sigsetjmp(walk->resume, 0) != 0)
        phase_is(walk, PHASE_NONE);
    while ((walk->entry = queue_pop(walk, &walk->queue)) != 0) {
        uint32_t tag = (uint32_t)(walk->entry & TAG_MASK);
        uintptr_t address = walk->entry & ~(uintptr_t)TAG_MASK;
        if (tag == TAG_THREAD || tag == TAG_ROOT) {
            root_read(walk, address, tag);
            continue;
        }
        PyObject *object = (PyObject *)address;
        TypeEntry *entry = type_entry(walk, Py_TYPE(object));
        reading_is(walk, entry);
        phase_is(walk, PHASE_EDGES);
        edges_of(walk, object, entry);
        phase_is(walk, PHASE_NONE);
        bounds_tick(walk);
    }
}

static void
put_little(Buffer *buffer, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buffer->data[buffer->length++] = (uint8_t)(value >> (8 * i));
}

static void
put_record(Walk *walk, Buffer *buffer, const TypeEntry *entry, int own)
{
    if (entry->count[own] == 0)
        return;
    const char *module, *name;
    size_t module_length, name_length;
    type_name(entry->type, &module, &module_length, &name, &name_length);
    if (module_length > TEXT_MAX)
        module_length = TEXT_MAX;
    if (name_length > TEXT_MAX)
        name_length = TEXT_MAX;
    put_little(buffer, entry->count[own], 8);
    put_little(buffer, entry->total_size[own], 8);
    put_little(buffer, entry->extra_size[own], 8);
    put_little(buffer, (entry->size_estimated ? RECORD_ESTIMATED : 0) | (own ? RECORD_OWN : 0), 1);
    put_little(buffer, module_length, 2);
    put_little(buffer, name_length, 2);
    buffer_bytes(walk, buffer, module, module_length);
    buffer_bytes(walk, buffer, name, name_length);
    if (buffer->length > OUTPUT_CAPACITY - RECORD_MAX) {
        output_write(walk, buffer->data, buffer->length);
        buffer->length = 0;
    }
}

void
census_walk(Walk *walk)
{
    type_unreadable(walk);
    roots_hold_back_own(walk, 1);
    roots_push(walk);
    drain(walk);
    roots_hold_back_own(walk, 0);
    walk->own = 1;
    roots_push_own(walk);
    drain(walk);
    walk->own = 0;
    gc_lists_begin(walk);
    PyObject *object;
    while ((object = gc_lists_next(walk)) != NULL) {
        census_edge(walk, object);
        drain(walk);
    }

    Buffer buffer;
    buffer_open(walk, &buffer, OUTPUT_CAPACITY);
    for (size_t i = 0; i < walk->types.capacity; i++)
        for (int own = 0; own < 2; own++)
            if (walk->types.slots[i] != NULL)
                put_record(walk, &buffer, walk->types.slots[i], own);
    put_little(&buffer, 0, 8);
    output_write(walk, buffer.data, buffer.length);
    walk->shared->objects = walk->row;
    walk->shared->types = walk->types.count;
}
