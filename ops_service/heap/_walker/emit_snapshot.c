/* Writes snapshots as protobuf: CaptureHeapSnapshotResponse messages that each hold
 * a HeapGraphBatch, as protos/ops_service/v1/heap_graph.proto defines them. A
 * varint with its length precedes each message, as in the file format, so the code
 * that forwards them need not parse them. A length of zero ends the output.
 */
#include "emit_snapshot.h"

#include "bounds.h"
#include "child_end.h"
#include "content.h"
#include "protobuf.h"
#include "walk.h"

#define COLUMN_LIMIT (96u << 10)
#define COLUMN_CAPACITY (COLUMN_LIMIT + CONTENT_LIMIT_MAX + 64)
#define DEFINITIONS_CAPACITY (64u << 10)
#define DEFINITIONS_LIMIT (1u << 20)
#define BATCH_LIMIT (192u << 10)
/* Head of a column: its tag and its length. */
#define HEAD_MAX (2 * VARINT_MAX)
#define ROWS_BETWEEN_LOOKS 16

enum {
    FIELD_RESPONSE_BATCH = 2,
    FIELD_FIRST_OBJECT = 1,
    FIELD_NEXT_OBJECT = 2,
    FIELD_CONTINUED_EDGES = 3,
    FIELD_FIRST_COLUMN = 7,
    FIELD_FIRST_CONTENT = 20,
};

static int
column_field(int column)
{
    return column < COLUMN_CONTENT_OBJECTS ? FIELD_FIRST_COLUMN + column
                                           : FIELD_FIRST_CONTENT + column - COLUMN_CONTENT_OBJECTS;
}

void
emit_open(Walk *walk)
{
    Batch *batch = &walk->snapshot.batch;
    buffer_open(walk, &batch->definitions, DEFINITIONS_CAPACITY);
    for (int i = 0; i <= COLUMN_EXTRA_SIZES; i++)
        buffer_open(walk, &batch->columns[i], COLUMN_CAPACITY);
}

/* A column that is empty in most snapshots: its memory is mapped at first use. */
static Buffer *
rare(Walk *walk, int column)
{
    Buffer *buffer = &walk->snapshot.batch.columns[column];
    if (buffer->capacity == 0)
        buffer_open(walk, buffer, COLUMN_CAPACITY);
    return buffer;
}

/* ---- rows ------------------------------------------------------------------- */

void
emit_row(Walk *walk, uint32_t type_index, Size size, uint32_t id, uint32_t flags,
         uint32_t site)
{
    Batch *batch = &walk->snapshot.batch;
    int64_t delta = (int64_t)id - (int64_t)batch->last_id;
    batch->last_id = id;
    buffer_varint(&batch->columns[COLUMN_TYPE_INDEXES], type_index);
    buffer_varint(&batch->columns[COLUMN_SIZES], size.counted);
    buffer_varint(&batch->columns[COLUMN_EXTRA_SIZES], size.extra);
    batch->any_extra |= size.extra;
    if (walk->sites.on)
        buffer_varint(rare(walk, COLUMN_SITES), site);
    buffer_varint(&batch->columns[COLUMN_ID_DELTAS], ((uint64_t)delta << 1) ^ (uint64_t)(delta >> 63));
    buffer_varint(&batch->columns[COLUMN_FLAGS], flags);
    walk->snapshot.row++;
    walk->snapshot.row_edges = 0;
    walk->snapshot.row_before = 0;
    walk->snapshot.row_continued = 0;
    walk->snapshot.total_size += size.counted;
}

static void
close_row(Walk *walk)
{
    Batch *batch = &walk->snapshot.batch;
    if (walk->snapshot.row_continued)
        batch->continued_edges = walk->snapshot.row_edges;
    else
        buffer_varint(&batch->columns[COLUMN_EDGE_COUNTS], walk->snapshot.row_edges);
}

static size_t
batch_length(const Batch *batch)
{
    size_t length = batch->definitions.length;
    for (int i = 0; i < COLUMN_COUNT; i++)
        length += batch->columns[i].length;
    return length;
}

static int
is_full(const Batch *batch)
{
    if (batch_length(batch) > BATCH_LIMIT)
        return 1;
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (batch->columns[i].length > COLUMN_LIMIT)
            return 1;
    return 0;
}

void
emit_row_end(Walk *walk)
{
    Batch *batch = &walk->snapshot.batch;
    close_row(walk);
    walk->snapshot.row_continued = 0;
    /* Rows are small, so checking now and then is enough. Code that fills a batch
     * faster checks itself. */
    if (walk->snapshot.row % ROWS_BETWEEN_LOOKS == 0 && is_full(batch))
        emit_flush(walk);
}

/* The object continues in the next batch. */
static void
split_row(Walk *walk)
{
    close_row(walk);
    emit_flush(walk);
    walk->snapshot.row_before += walk->snapshot.row_edges;
    walk->snapshot.row_edges = 0;
    walk->snapshot.row_continued = 1;
}

void
emit_edge(Walk *walk, uint64_t target, uint32_t label)
{
    Batch *batch = &walk->snapshot.batch;
    buffer_varint(&batch->columns[COLUMN_EDGE_TARGETS], target);
    buffer_varint(&batch->columns[COLUMN_EDGE_LABELS], label);
    walk->snapshot.row_edges++;
    walk->snapshot.edge_count++;
    if (batch->columns[COLUMN_EDGE_TARGETS].length > COLUMN_LIMIT ||
        batch->columns[COLUMN_EDGE_LABELS].length > COLUMN_LIMIT ||
        batch->definitions.length > DEFINITIONS_LIMIT)
        split_row(walk);
}

void
emit_deferred_edge(Walk *walk, const DeferredEdge *edge, uint64_t target)
{
    Batch *batch = &walk->snapshot.batch;
    buffer_varint(rare(walk, COLUMN_LATE_SOURCES), edge->source);
    buffer_varint(rare(walk, COLUMN_LATE_TARGETS), target);
    buffer_varint(rare(walk, COLUMN_LATE_LABELS), edge->label);
    buffer_varint(rare(walk, COLUMN_LATE_PLACES), edge->place);
    walk->snapshot.edge_count++;
    if (is_full(batch))
        emit_flush(walk);
}

static void
put_object(Buffer *column, uint64_t *last, uint64_t index)
{
    int64_t delta = (int64_t)(index - *last);
    *last = index;
    buffer_varint(column, ((uint64_t)delta << 1) ^ (uint64_t)(delta >> 63));
}

void
emit_content(Walk *walk, uint64_t index, uint8_t kind, uint64_t length, const uint8_t *data,
             size_t size)
{
    Batch *batch = &walk->snapshot.batch;
    put_object(rare(walk, COLUMN_CONTENT_OBJECTS), &batch->last_content, index);
    buffer_varint(rare(walk, COLUMN_CONTENT_KINDS), kind);
    buffer_varint(rare(walk, COLUMN_CONTENT_LENGTHS), length);
    buffer_varint(rare(walk, COLUMN_CONTENT_SIZES), size);
    buffer_bytes(walk, rare(walk, COLUMN_CONTENTS), data, size);
    if (is_full(batch))
        split_row(walk);
}

void
emit_named_entry(Walk *walk, uint64_t index, uint64_t number, uint32_t name)
{
    Batch *batch = &walk->snapshot.batch;
    buffer_varint(rare(walk, COLUMN_NAMED_OBJECTS), index);
    buffer_varint(rare(walk, COLUMN_NAMED_NUMBERS), number);
    buffer_varint(rare(walk, COLUMN_NAMED_NAMES), name);
    if (is_full(batch) || batch->definitions.length > DEFINITIONS_LIMIT)
        split_row(walk);
}

void
emit_hash(Walk *walk, uint64_t hash)
{
    Batch *batch = &walk->snapshot.batch;
    put_object(rare(walk, COLUMN_HASH_OBJECTS), &batch->last_hash, walk->snapshot.row - 1);
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(hash >> (8 * i));
    buffer_bytes(walk, rare(walk, COLUMN_HASHES), bytes, sizeof bytes);
}

/* ---- messages ------------------------------------------------------------------ */

static size_t
column_size(int field, const Buffer *column)
{
    if (column->length == 0)
        return 0;
    return varint_size((uint64_t)field << 3) + varint_size(column->length) + column->length;
}

/* The parts of a message: bytes composed for it, and columns. */
typedef struct {
    Buffer heads;
    struct iovec parts[2 * COLUMN_COUNT + 2];
    int count;
    size_t length;
} Message;

static void
add_part(Message *message, const uint8_t *data, size_t length)
{
    message->parts[message->count++] = (struct iovec){(void *)data, length};
    message->length += length;
}

static void
add_column(Message *message, int field, Buffer *column)
{
    if (column->length == 0)
        return;
    uint8_t *head = message->heads.data + message->heads.length;
    size_t before = message->heads.length;
    protobuf_tag(&message->heads, field, WIRE_BYTES);
    buffer_varint(&message->heads, column->length);
    add_part(message, head, message->heads.length - before);
    add_part(message, column->data, column->length);
    column->length = 0;
}

static size_t
number_size(uint64_t value)
{
    return value == 0 ? 0 : 1 + varint_size(value);
}

void
emit_flush(Walk *walk)
{
    Batch *batch = &walk->snapshot.batch;
    if (batch->any_extra == 0)
        batch->columns[COLUMN_EXTRA_SIZES].length = 0;
    size_t inner = number_size(batch->first_object) + number_size(batch->first_next) +
                   number_size(batch->continued_edges) + batch->definitions.length;
    for (int i = 0; i < COLUMN_COUNT; i++)
        inner += column_size(column_field(i), &batch->columns[i]);

    size_t outer = 1 + varint_size(inner) + inner;
    uint8_t room[(COLUMN_COUNT + 5) * HEAD_MAX];
    Message message = {.heads = {.data = room, .length = 0, .capacity = sizeof room}};
    buffer_varint(&message.heads, outer);
    protobuf_tag(&message.heads, FIELD_RESPONSE_BATCH, WIRE_BYTES);
    buffer_varint(&message.heads, inner);
    protobuf_number(&message.heads, FIELD_FIRST_OBJECT, batch->first_object);
    protobuf_number(&message.heads, FIELD_NEXT_OBJECT, batch->first_next);
    protobuf_number(&message.heads, FIELD_CONTINUED_EDGES, batch->continued_edges);
    add_part(&message, room, message.heads.length);
    add_part(&message, batch->definitions.data, batch->definitions.length);
    batch->definitions.length = 0;
    for (int i = 0; i < COLUMN_COUNT; i++)
        add_column(&message, column_field(i), &batch->columns[i]);
    if (message.length != varint_size(outer) + outer)
        child_end(walk->shared, STATUS_CORRUPT, 0);
    output_write_parts(walk, message.parts, message.count);
    bounds_check(walk);

    batch->first_object = walk->snapshot.row;
    batch->first_next = walk->snapshot.next_object;
    batch->continued_edges = 0;
    batch->last_id = 0;
    batch->last_content = batch->last_hash = walk->snapshot.row;
    batch->any_extra = 0;
}

void
emit_end(Walk *walk)
{
    if (batch_length(&walk->snapshot.batch) > 0)
        emit_flush(walk);
    const uint8_t end = 0;
    output_write(walk, &end, sizeof end);
}
