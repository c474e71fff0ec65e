/* Snapshots as protobuf: CaptureHeapSnapshotResponse messages that hold a
 * HeapGraphBatch each, as protos/ops_service/v1/heap_graph.proto defines them.
 * On the pipe each is preceded by its length in four bytes, little-endian; a
 * length of zero is the end.
 */
#include "walker.h"

#include <string.h>

#define COLUMN_LIMIT (96u << 10)
#define COLUMN_CAPACITY (COLUMN_LIMIT + CONTENT_LIMIT_MAX + 64)
#define DEFINITIONS_CAPACITY (64u << 10)
#define DEFINITIONS_LIMIT (1u << 20)
#define BATCH_LIMIT (192u << 10)
#define TEXT_MAX 512
#define VARINT_MAX 10
/* Of a column: its tag and its length. */
#define HEAD_MAX (2 * VARINT_MAX)
#define ROWS_BETWEEN_LOOKS 16

enum {
    FIELD_RESPONSE_BATCH = 2,
    FIELD_FIRST_OBJECT = 1,
    FIELD_NEXT_OBJECT = 2,
    FIELD_CONTINUED_EDGES = 3,
    FIELD_TYPES = 4,
    FIELD_NAMES = 5,
    FIELD_ROOTS = 6,
    FIELD_FIRST_COLUMN = 7,
    FIELD_SITES = 19,
    FIELD_FIRST_CONTENT = 20,
};

static int
column_field(int column)
{
    return column < COLUMN_CONTENT_OBJECTS ? FIELD_FIRST_COLUMN + column
                                           : FIELD_FIRST_CONTENT + column - COLUMN_CONTENT_OBJECTS;
}

/* Before each message on the pipe. */
#define LENGTH_BYTES 4

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };
enum { TYPE_KIND_PYTHON = 1, TYPE_KIND_SYNTHETIC = 2 };

static void
put_tag(Buffer *buffer, int field, int wire)
{
    buffer_varint(buffer, (uint64_t)field << 3 | (uint64_t)wire);
}

static void
put_number(Buffer *buffer, int field, uint64_t value)
{
    if (value == 0)
        return;
    put_tag(buffer, field, WIRE_VARINT);
    buffer_varint(buffer, value);
}

static void
put_text(Walk *walk, Buffer *buffer, int field, const char *text, size_t length)
{
    if (length > TEXT_MAX) {
        length = TEXT_MAX;
        /* Not in the middle of a character. */
        while (length > 0 && ((uint8_t)text[length] & 0xC0) == 0x80)
            length--;
    }
    if (length == 0)
        return;
    put_tag(buffer, field, WIRE_BYTES);
    buffer_varint(buffer, length);
    buffer_bytes(walk, buffer, text, length);
}

static size_t
varint_size(uint64_t value)
{
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

void
emit_open(Walk *walk)
{
    Batch *batch = &walk->batch;
    buffer_open(walk, &batch->definitions, DEFINITIONS_CAPACITY);
    for (int i = 0; i <= COLUMN_EXTRA_SIZES; i++)
        buffer_open(walk, &batch->columns[i], COLUMN_CAPACITY);
}

/* A column that most snapshots have nothing in: its memory is mapped when it is
 * first needed. */
static Buffer *
rare(Walk *walk, int column)
{
    Buffer *buffer = &walk->batch.columns[column];
    if (buffer->capacity == 0)
        buffer_open(walk, buffer, COLUMN_CAPACITY);
    return buffer;
}

/* ---- definitions ---------------------------------------------------------- */

static void
put_definition(Walk *walk, int field, const uint8_t *data, size_t length)
{
    Buffer *to = &walk->batch.definitions;
    buffer_room(walk, to, length + 2 * VARINT_MAX);
    put_tag(to, field, WIRE_BYTES);
    buffer_varint(to, length);
    buffer_bytes(walk, to, data, length);
}

/* Text of a C type's name, which nothing promises to be UTF-8. */
static size_t
plain_text(const char *text, size_t length, char *to)
{
    if (length > TEXT_MAX)
        length = TEXT_MAX;
    for (size_t i = 0; i < length; i++)
        to[i] = (uint8_t)text[i] < 0x80 ? text[i] : '?';
    return length;
}

void
emit_type(Walk *walk, TypeEntry *entry)
{
    uint8_t room[2 * TEXT_MAX + 64];
    char text[TEXT_MAX];
    Buffer piece = {.data = room, .length = 0, .capacity = sizeof room};
    const char *module, *name;
    size_t module_length, name_length;
    type_name(entry->type, &module, &module_length, &name, &name_length);
    if (entry->type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        put_text(walk, &piece, 1, module, module_length);
        put_text(walk, &piece, 2, name, name_length);
    }
    else {
        put_text(walk, &piece, 1, text, plain_text(module, module_length, text));
        put_text(walk, &piece, 2, text, plain_text(name, name_length, text));
    }
    put_number(&piece, 3, TYPE_KIND_PYTHON);
    put_number(&piece, 4, visited_id(walk, entry->type));
    put_number(&piece, 5, entry->size_estimated);
    put_definition(walk, FIELD_TYPES, piece.data, piece.length);
}

uint32_t
emit_synthetic_type(Walk *walk, const char *name)
{
    uint8_t room[128];
    Buffer piece = {.data = room, .length = 0, .capacity = sizeof room};
    put_text(walk, &piece, 2, name, strlen(name));
    put_number(&piece, 3, TYPE_KIND_SYNTHETIC);
    put_definition(walk, FIELD_TYPES, piece.data, piece.length);
    return walk->types.count++;
}

void
emit_site(Walk *walk, PyObject *file, unsigned line)
{
    uint8_t room[TEXT_MAX + 64];
    Buffer piece = {.data = room, .length = 0, .capacity = sizeof room};
    const char *text = "?";
    size_t length = 1;
    type_text(file, &text, &length);
    put_text(walk, &piece, 1, text, length);
    put_number(&piece, 2, line);
    put_definition(walk, FIELD_SITES, piece.data, piece.length);
}

void
emit_name(Walk *walk, const char *text, size_t length)
{
    put_definition(walk, FIELD_NAMES, (const uint8_t *)text, length);
}

void
emit_root(Walk *walk, uint64_t row, int kind, const char *name, size_t length, uint64_t thread_id)
{
    uint8_t room[TEXT_MAX + 64];
    Buffer piece = {.data = room, .length = 0, .capacity = sizeof room};
    put_number(&piece, 1, row);
    put_number(&piece, 2, (uint64_t)kind);
    put_text(walk, &piece, 3, name, length);
    put_number(&piece, 4, thread_id);
    put_definition(walk, FIELD_ROOTS, piece.data, piece.length);
}

/* ---- rows ------------------------------------------------------------------- */

void
emit_row(Walk *walk, uint32_t type_index, Size size, uint32_t id, uint32_t flags,
         uint32_t site)
{
    Batch *batch = &walk->batch;
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
    walk->row++;
    walk->row_edges = 0;
    walk->row_before = 0;
    walk->row_continued = 0;
    walk->total_size += size.counted;
}

static void
close_row(Walk *walk)
{
    Batch *batch = &walk->batch;
    if (walk->row_continued)
        batch->continued_edges = walk->row_edges;
    else
        buffer_varint(&batch->columns[COLUMN_EDGE_COUNTS], walk->row_edges);
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
    Batch *batch = &walk->batch;
    close_row(walk);
    walk->row_continued = 0;
    /* Rows are small: what fills a batch faster looks for itself. */
    if (walk->row % ROWS_BETWEEN_LOOKS == 0 && is_full(batch))
        emit_flush(walk);
}

/* The object goes on in the next batch. */
static void
split_row(Walk *walk)
{
    close_row(walk);
    emit_flush(walk);
    walk->row_before += walk->row_edges;
    walk->row_edges = 0;
    walk->row_continued = 1;
}

void
emit_edge(Walk *walk, uint64_t target, uint32_t label)
{
    Batch *batch = &walk->batch;
    buffer_varint(&batch->columns[COLUMN_EDGE_TARGETS], target);
    buffer_varint(&batch->columns[COLUMN_EDGE_LABELS], label);
    walk->row_edges++;
    walk->edge_count++;
    if (batch->columns[COLUMN_EDGE_TARGETS].length > COLUMN_LIMIT ||
        batch->columns[COLUMN_EDGE_LABELS].length > COLUMN_LIMIT ||
        batch->definitions.length > DEFINITIONS_LIMIT)
        split_row(walk);
}

void
emit_late_edge(Walk *walk, const LateEdge *edge, uint64_t target)
{
    Batch *batch = &walk->batch;
    buffer_varint(rare(walk, COLUMN_LATE_SOURCES), edge->source);
    buffer_varint(rare(walk, COLUMN_LATE_TARGETS), target);
    buffer_varint(rare(walk, COLUMN_LATE_LABELS), edge->label);
    buffer_varint(rare(walk, COLUMN_LATE_PLACES), edge->place);
    walk->edge_count++;
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
    Batch *batch = &walk->batch;
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
    Batch *batch = &walk->batch;
    buffer_varint(rare(walk, COLUMN_NAMED_OBJECTS), index);
    buffer_varint(rare(walk, COLUMN_NAMED_NUMBERS), number);
    buffer_varint(rare(walk, COLUMN_NAMED_NAMES), name);
    if (is_full(batch) || batch->definitions.length > DEFINITIONS_LIMIT)
        split_row(walk);
}

void
emit_hash(Walk *walk, uint64_t hash)
{
    Batch *batch = &walk->batch;
    put_object(rare(walk, COLUMN_HASH_OBJECTS), &batch->last_hash, walk->row - 1);
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

/* Parts of a message: bytes that were put together for it, and columns. */
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
    put_tag(&message->heads, field, WIRE_BYTES);
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
    Batch *batch = &walk->batch;
    if (batch->any_extra == 0)
        batch->columns[COLUMN_EXTRA_SIZES].length = 0;
    size_t inner = number_size(batch->first_object) + number_size(batch->first_next) +
                   number_size(batch->continued_edges) + batch->definitions.length;
    for (int i = 0; i < COLUMN_COUNT; i++)
        inner += column_size(column_field(i), &batch->columns[i]);

    size_t outer = 1 + varint_size(inner) + inner;
    uint8_t room[(COLUMN_COUNT + 4) * HEAD_MAX] = {(uint8_t)outer, (uint8_t)(outer >> 8),
                                                   (uint8_t)(outer >> 16), (uint8_t)(outer >> 24)};
    Message message = {.heads = {.data = room, .length = LENGTH_BYTES, .capacity = sizeof room}};
    put_tag(&message.heads, FIELD_RESPONSE_BATCH, WIRE_BYTES);
    buffer_varint(&message.heads, inner);
    put_number(&message.heads, FIELD_FIRST_OBJECT, batch->first_object);
    put_number(&message.heads, FIELD_NEXT_OBJECT, batch->first_next);
    put_number(&message.heads, FIELD_CONTINUED_EDGES, batch->continued_edges);
    add_part(&message, room, message.heads.length);
    add_part(&message, batch->definitions.data, batch->definitions.length);
    batch->definitions.length = 0;
    for (int i = 0; i < COLUMN_COUNT; i++)
        add_column(&message, column_field(i), &batch->columns[i]);
    if (message.length != outer + LENGTH_BYTES)
        child_end(walk->shared, STATUS_CORRUPT, 0);
    output_write_parts(walk, message.parts, message.count);
    bounds_check(walk);

    batch->first_object = walk->row;
    batch->first_next = walk->next_object;
    batch->continued_edges = 0;
    batch->last_id = 0;
    batch->last_content = batch->last_hash = walk->row;
    batch->any_extra = 0;
}

void
emit_end(Walk *walk)
{
    if (batch_length(&walk->batch) > 0)
        emit_flush(walk);
    const uint8_t end[4] = {0, 0, 0, 0};
    output_write(walk, end, sizeof end);
}
