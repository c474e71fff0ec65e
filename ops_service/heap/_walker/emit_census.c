/* Writes the result of a census.
 *
 * Output, one record per type: count, bytes as sys.getsizeof counts them, bytes
 * that sys.getsizeof omits (8 bytes each), bits (1), lengths of module and name (2
 * each), module, name. All numbers are little-endian. A count of zero ends the
 * output.
 */
#include "census.h"
#include "memory.h"
#include "type_name.h"
#include "walk.h"

#define OUTPUT_CAPACITY (64u << 10)
#define RECORD_MAX (4096u + 64u)
#define TEXT_MAX 1024u

static void
put_record(Walk *walk, Buffer *buffer, const TypeEntry *entry, int own)
{
    const CensusType *counts = &entry->census;
    if (counts->count[own] == 0)
        return;
    const char *module, *name;
    size_t module_length, name_length;
    type_name(entry->type, &module, &module_length, &name, &name_length);
    if (module_length > TEXT_MAX)
        module_length = TEXT_MAX;
    if (name_length > TEXT_MAX)
        name_length = TEXT_MAX;
    buffer_little(buffer, counts->count[own], 8);
    buffer_little(buffer, counts->total_size[own], 8);
    buffer_little(buffer, counts->extra_size[own], 8);
    buffer_little(buffer, (entry->size_estimated ? CENSUS_ESTIMATED : 0) | (own ? CENSUS_OWN : 0),
                  1);
    buffer_little(buffer, module_length, 2);
    buffer_little(buffer, name_length, 2);
    buffer_bytes(walk, buffer, module, module_length);
    buffer_bytes(walk, buffer, name, name_length);
    if (buffer->length > OUTPUT_CAPACITY - RECORD_MAX) {
        output_write(walk, buffer->data, buffer->length);
        buffer->length = 0;
    }
}

void
census_emit(Walk *walk)
{
    Buffer buffer;
    buffer_open(walk, &buffer, OUTPUT_CAPACITY);
    for (size_t i = 0; i < walk->types.capacity; i++)
        for (int own = 0; own < 2; own++)
            if (walk->types.slots[i] != NULL)
                put_record(walk, &buffer, walk->types.slots[i], own);
    buffer_little(&buffer, 0, 8);
    output_write(walk, buffer.data, buffer.length);
}
