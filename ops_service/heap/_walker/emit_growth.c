/* Writes the changes in the table of paths since the last report to the parent
 * process.
 *
 * Output, all numbers little-endian: strings (number 4, length 2, text), ended by
 * number 0; nodes (number, parent, label, type, 4 each), ended by number 0; changes
 * (number, count, size, length, the three previous values, string of the allocation
 * site, 8 each), ended by number 0; totals (8 each): objects, bytes, bytes of objects
 * that malloc serves; objects of ops_service, their bytes, those of them that malloc
 * serves; objects past the bound, changes that wait for the next sample, nodes.
 */
#include "growth.h"
#include "memory.h"
#include "walk.h"

#include <string.h>

#define OUTPUT_CAPACITY (64u << 10)
#define RECORD_MAX 1024u
/* Further changes wait for a later sample, which reports the total difference. */
#define CHANGES_MAX 50000u

static void
put(Walk *walk, Buffer *buffer, uint64_t value, int bytes)
{
    if (buffer->length > OUTPUT_CAPACITY - RECORD_MAX) {
        output_write(walk, buffer->data, buffer->length);
        buffer->length = 0;
    }
    buffer_little(buffer, value, bytes);
}

static int
changed(const PathNode *node, const PathSums *sums)
{
    return memcmp(&node->sums, sums, sizeof *sums) != 0;
}

enum { TO_TELL = 2 };

static void
mark_string(PathTable *table, uint32_t number)
{
    if (number != 0 && !table->strings[number].told)
        table->strings[number].told = TO_TELL;
}

/* Marks the strings and nodes that the parent process needs to understand a node. */
static void
mark_node(PathTable *table, uint32_t number)
{
    for (; number >= PATH_FIRST && !table->nodes[number].told; number = table->nodes[number].parent) {
        table->nodes[number].told = TO_TELL;
        mark_string(table, table->nodes[number].label >> 4);
        mark_string(table, table->nodes[number].type);
    }
}

static uint32_t
mark_changes(Walk *walk, uint64_t *waiting)
{
    Growth *growth = &walk->growth;
    PathTable *table = growth->table;
    uint32_t told = 0;
    uint32_t number = 1;
    for (; number < table->node_count && told < CHANGES_MAX; number++)
        if (changed(&table->nodes[number], &growth->sums[number])) {
            mark_node(table, number);
            mark_string(table, growth->sites[number]);
            told++;
        }
    uint32_t end = number;
    for (; number < table->node_count; number++)
        *waiting += (uint64_t)changed(&table->nodes[number], &growth->sums[number]);
    return end;
}

static void
put_definitions(Walk *walk, Buffer *buffer)
{
    PathTable *table = walk->growth.table;
    for (uint32_t i = PATH_STRING_OTHER; i < table->string_count; i++) {
        const PathString *string = &table->strings[i];
        if (string->told != TO_TELL)
            continue;
        put(walk, buffer, i, 4);
        put(walk, buffer, string->length, 2);
        buffer_bytes(walk, buffer, table->text + string->offset, string->length);
    }
    put(walk, buffer, 0, 4);
    for (uint32_t i = PATH_FIRST; i < table->node_count; i++) {
        const PathNode *node = &table->nodes[i];
        if (node->told != TO_TELL)
            continue;
        put(walk, buffer, i, 4);
        put(walk, buffer, node->parent, 4);
        put(walk, buffer, node->label, 4);
        put(walk, buffer, node->type, 4);
    }
    put(walk, buffer, 0, 4);
}

static void
put_sums(Walk *walk, Buffer *buffer, const PathSums *sums)
{
    put(walk, buffer, sums->count, 8);
    put(walk, buffer, sums->size, 8);
    put(walk, buffer, sums->length, 8);
}

static void
commit(Walk *walk, uint32_t end)
{
    Growth *growth = &walk->growth;
    PathTable *table = growth->table;
    __atomic_store_n(&table->committing, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 1; i < end; i++) {
        if (changed(&table->nodes[i], &growth->sums[i]))
            table->nodes[i].sums = growth->sums[i];
        if (table->nodes[i].told == TO_TELL)
            table->nodes[i].told = 1;
    }
    for (uint32_t i = PATH_STRING_OTHER; i < table->string_count; i++)
        if (table->strings[i].told == TO_TELL)
            table->strings[i].told = 1;
    if (table->sample_count == 0)
        table->modules_at_first = growth->named[PATH_MODULES];
    table->sample_count++;
    __atomic_store_n(&table->committing, 0, __ATOMIC_RELEASE);
}

void
growth_emit(Walk *walk)
{
    Growth *growth = &walk->growth;
    PathTable *table = growth->table;
    Buffer buffer;
    uint64_t waiting = 0;
    uint32_t end = table->node_count;
    PathSums all = {0, 0, 0};
    buffer_open(walk, &buffer, OUTPUT_CAPACITY);
    for (uint32_t i = 1; i < table->node_count; i++) {
        if (i == PATH_OWN)
            continue;
        all.count += growth->sums[i].count;
        all.size += growth->sums[i].size;
    }
    /* The first sample is the baseline. */
    int first = table->sample_count == 0;
    if (!first)
        end = mark_changes(walk, &waiting);
    put_definitions(walk, &buffer);
    for (uint32_t i = 1; !first && i < end; i++)
        if (changed(&table->nodes[i], &growth->sums[i])) {
            put(walk, &buffer, i, 8);
            put_sums(walk, &buffer, &growth->sums[i]);
            put_sums(walk, &buffer, &table->nodes[i].sums);
            put(walk, &buffer, growth->sites[i], 8);
        }
    put(walk, &buffer, 0, 8);
    put(walk, &buffer, all.count, 8);
    put(walk, &buffer, all.size, 8);
    put(walk, &buffer, growth->large_size, 8);
    put(walk, &buffer, growth->sums[PATH_OWN].count, 8);
    put(walk, &buffer, growth->sums[PATH_OWN].size, 8);
    put(walk, &buffer, growth->own_large_size, 8);
    put(walk, &buffer, growth->past_bound, 8);
    put(walk, &buffer, waiting, 8);
    put(walk, &buffer, table->node_count, 8);
    output_write(walk, buffer.data, buffer.length);
    commit(walk, end);
    walk->shared->objects = all.count;
    walk->shared->total_size = all.size;
}
