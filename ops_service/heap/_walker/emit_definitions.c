/* Writes the definitions in the batches of a snapshot: types, names, roots and allocation
 * sites. Each is written once, before the first row that refers to it; its position is its
 * number.
 */
#include "emit_definitions.h"

#include "protobuf.h"
#include "type_name.h"
#include "walk.h"

#include <string.h>

#define TEXT_MAX 512

enum {
    FIELD_TYPES = 4,
    FIELD_NAMES = 5,
    FIELD_ROOTS = 6,
    FIELD_SITES = 19,
};

enum { TYPE_KIND_PYTHON = 1, TYPE_KIND_SYNTHETIC = 2 };

static void
put_text(Walk *walk, Buffer *buffer, int field, const char *text, size_t length)
{
    if (length > TEXT_MAX) {
        length = TEXT_MAX;
        /* Do not cut inside a character. */
        while (length > 0 && ((uint8_t)text[length] & 0xC0) == 0x80)
            length--;
    }
    if (length == 0)
        return;
    protobuf_tag(buffer, field, WIRE_BYTES);
    buffer_varint(buffer, length);
    buffer_bytes(walk, buffer, text, length);
}

static void
put_definition(Walk *walk, int field, const uint8_t *data, size_t length)
{
    Buffer *to = &walk->snapshot.batch.definitions;
    buffer_room(walk, to, length + 2 * VARINT_MAX);
    protobuf_tag(to, field, WIRE_BYTES);
    buffer_varint(to, length);
    buffer_bytes(walk, to, data, length);
}

/* Writes the name of a C type, which may not be UTF-8. */
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
    protobuf_number(&piece, 3, TYPE_KIND_PYTHON);
    protobuf_number(&piece, 4, visited_id(walk, entry->type));
    protobuf_number(&piece, 5, entry->size_estimated);
    put_definition(walk, FIELD_TYPES, piece.data, piece.length);
}

uint32_t
emit_synthetic_type(Walk *walk, const char *name)
{
    uint8_t room[128];
    Buffer piece = {.data = room, .length = 0, .capacity = sizeof room};
    put_text(walk, &piece, 2, name, strlen(name));
    protobuf_number(&piece, 3, TYPE_KIND_SYNTHETIC);
    put_definition(walk, FIELD_TYPES, piece.data, piece.length);
    return walk->types.count++;
}

void
emit_site(Walk *walk, layout_file file, unsigned line)
{
    uint8_t room[TEXT_MAX + 64];
    Buffer piece = {.data = room, .length = 0, .capacity = sizeof room};
    const char *text = "?";
    size_t length = 1;
    type_file_text(file, &text, &length);
    put_text(walk, &piece, 1, text, length);
    protobuf_number(&piece, 2, line);
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
    protobuf_number(&piece, 1, row);
    protobuf_number(&piece, 2, (uint64_t)kind);
    put_text(walk, &piece, 3, name, length);
    protobuf_number(&piece, 4, thread_id);
    put_definition(walk, FIELD_ROOTS, piece.data, piece.length);
}
