/* Contents: the value of a str, bytes, int, float, bool or None, as far as the request
 * allows.
 *
 * At the level of values, each such object has its content beside its row. At the
 * level of keys, only keys of dicts have one. A key is noted when its dict is read.
 * Its content is written then, or with its row if that is still to come.
 */
#include "content.h"

#include "emit_snapshot.h"
#include "hash.h"
#include "memory.h"
#include "walk.h"

#include <string.h>

/* A key that is a tuple is shown by its elements. */
#define TUPLE_DEPTH_MAX 3
#define TUPLE_ITEMS_MAX 16

/* About 1,150 decimal digits. */
#define INT_BITS_MAX 3840
#define INT_DIGITS_MAX (INT_BITS_MAX / PyLong_SHIFT)
#define CHUNK UINT32_C(1000000000)
#define CHUNK_DIGITS 9
#define CHUNKS_MAX (INT_BITS_MAX / 29 + 2)

void
contents_open(Walk *walk)
{
    Snapshot *snapshot = &walk->snapshot;
    int level = walk->settings->snapshot.content_level;
    snapshot->shows_keys = level == CONTENT_LEVEL_KEYS;
    snapshot->shows_values = level == CONTENT_LEVEL_VALUES;
    if (snapshot->shows_keys || snapshot->shows_values)
        snapshot->content_room = memory_map(walk, CONTENT_LIMIT_MAX);
    hashes_open(walk);
    snapshot->shows_contents =
        snapshot->shows_keys || snapshot->shows_values || snapshot->hashing.on;
}

/* Characters of a str, their number, and bytes per character; NULL if it has none
 * available. */
static const void *
characters(PyObject *text, size_t *length, unsigned *width)
{
    PyASCIIObject *string = (PyASCIIObject *)text;
    *length = (size_t)string->length;
    *width = string->state.kind;
    if (*width != 1 && *width != 2 && *width != 4)
        return NULL; /* not ready: a legacy form that CPython 3.11 still has */
    if (!string->state.compact)
        return ((PyUnicodeObject *)text)->data.any;
    if (string->state.ascii)
        return string + 1;
    return (PyCompactUnicodeObject *)text + 1;
}

/* ---- one content ------------------------------------------------------------- */

typedef struct {
    const uint8_t *data;
    size_t size;
    uint64_t length;
} Content;

static size_t
put_character(uint8_t *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size - 1; i > 0; i--) {
        to[i] = (uint8_t)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    to[0] = (uint8_t)(first[size] | c);
    return size;
}

static int
read_text(Walk *walk, PyObject *object, size_t limit, Content *content)
{
    unsigned width;
    size_t length;
    const void *data = characters(object, &length, &width);
    if (data == NULL)
        return 0;
    content->length = length;
    content->data = walk->snapshot.content_room;
    uint8_t character[4];
    for (size_t i = 0; i < length; i++) {
        uint32_t c = width == 1   ? ((const uint8_t *)data)[i]
                     : width == 2 ? ((const uint16_t *)data)[i]
                                  : ((const uint32_t *)data)[i];
        size_t size = put_character(character, c & 0x1FFFFF);
        if (size > limit - content->size)
            break;
        memcpy(walk->snapshot.content_room + content->size, character, size);
        content->size += size;
    }
    return 1;
}

static uint64_t
int_bits(const digit *digits, size_t count)
{
    uint64_t bits = (uint64_t)(count - 1) * PyLong_SHIFT;
    for (digit top = digits[count - 1]; top != 0; top >>= 1)
        bits++;
    return bits;
}

/* Decimal digits by division: the numbers are bounded, so speed does not matter. */
static void
read_int(Walk *walk, PyObject *object, size_t limit, Content *content)
{
    digit left[INT_DIGITS_MAX];
    char text[CHUNKS_MAX * CHUNK_DIGITS + 1];
    size_t count = (size_t)layout_int_digits(object);
    const digit *digits = layout_int_data(object);
    content->data = walk->snapshot.content_room;
    if (count == 0) {
        walk->snapshot.content_room[0] = '0';
        content->size = 1;
        return;
    }
    content->length = int_bits(digits, count);
    if (count > INT_DIGITS_MAX)
        return;
    memcpy(left, digits, count * sizeof(digit));
    size_t at = sizeof text;
    while (count > 0) {
        uint64_t rest = 0;
        for (size_t i = count; i-- > 0;) {
            rest = rest << PyLong_SHIFT | left[i];
            left[i] = (digit)(rest / CHUNK);
            rest %= CHUNK;
        }
        while (count > 0 && left[count - 1] == 0)
            count--;
        for (int i = 0; i < CHUNK_DIGITS && (count > 0 || rest > 0); i++) {
            text[--at] = (char)('0' + rest % 10);
            rest /= 10;
        }
    }
    if (layout_int_is_negative(object))
        text[--at] = '-';
    size_t size = sizeof text - at;
    if (size > limit)
        return;
    memcpy(walk->snapshot.content_room, text + at, size);
    content->size = size;
}

static int
read_content(Walk *walk, PyObject *object, uint8_t kind, Content *content)
{
    size_t limit = walk->settings->snapshot.content_limit;
    switch (kind) {
    case CONTENT_TEXT:
        return read_text(walk, object, limit, content);
    case CONTENT_BYTES:
        content->length = (uint64_t)((PyVarObject *)object)->ob_size;
        content->size = content->length < limit ? (size_t)content->length : limit;
        content->data = (const uint8_t *)((PyBytesObject *)object)->ob_sval;
        return 1;
    case CONTENT_INT:
        read_int(walk, object, limit, content);
        return 1;
    case CONTENT_FLOAT: {
        uint64_t bits;
        memcpy(&bits, &((PyFloatObject *)object)->ob_fval, sizeof bits);
        for (int i = 0; i < 8; i++)
            walk->snapshot.content_room[i] = (uint8_t)(bits >> (8 * i));
        content->size = 8;
        content->data = walk->snapshot.content_room;
        return 1;
    }
    case CONTENT_BOOL:
        walk->snapshot.content_room[0] = object == Py_True;
        content->size = 1;
        content->data = walk->snapshot.content_room;
        return 1;
    case CONTENT_NONE:
        content->data = walk->snapshot.content_room;
        return 1;
    default:
        return 0;
    }
}

static void
show(Walk *walk, PyObject *object, uint8_t kind, uint64_t index)
{
    Content content = {NULL, 0, 0};
    if (read_content(walk, object, kind, &content))
        emit_content(walk, index, kind, content.length, content.data, content.size);
}

/* ---- keys ------------------------------------------------------------------------ */

static uint64_t *
wanted_word(Walk *walk, Region *region, PyObject *object)
{
    if (region->wanted == NULL)
        region->wanted = memory_piece(walk, REGION_GRANULES / 8);
    return &region->wanted[visited_granule(object) >> 6];
}

static void
want(Walk *walk, PyObject *object, int depth)
{
    if (PyTuple_Check(object) && depth < TUPLE_DEPTH_MAX) {
        Py_ssize_t count = ((PyVarObject *)object)->ob_size;
        for (Py_ssize_t i = 0; i < count && i < TUPLE_ITEMS_MAX; i++)
            if (((PyTupleObject *)object)->ob_item[i] != NULL)
                want(walk, ((PyTupleObject *)object)->ob_item[i], depth + 1);
        return;
    }
    uint8_t kind = type_entry(walk, Py_TYPE(object))->snapshot.content;
    if (kind == CONTENT_UNKNOWN)
        return;
    Region *region = visited_region(walk, &walk->visited, object);
    uint64_t *word = wanted_word(walk, region, object);
    uint64_t bit = UINT64_C(1) << (visited_granule(object) & 63);
    if (*word & bit)
        return;
    *word |= bit;
    uint32_t place = region->indexes == NULL ? 0 : region->indexes[visited_granule(object)];
    if (snapshot_is_written(&walk->snapshot, place))
        show(walk, object, kind, place - 1);
}

void
content_of_key(Walk *walk, PyObject *key)
{
    want(walk, key, 0);
}

/* ---- rows ------------------------------------------------------------------------ */

static void
hash_of_row(Walk *walk, PyObject *object, uint8_t kind)
{
    size_t size;
    unsigned width = 1;
    const void *data;
    if (kind == CONTENT_TEXT) {
        /* Equal strings have the same width, the smallest that fits. */
        data = characters(object, &size, &width);
        if (data == NULL)
            return;
        size *= width;
    }
    else {
        data = ((PyBytesObject *)object)->ob_sval;
        size = (size_t)((PyVarObject *)object)->ob_size;
    }
    uint64_t tag = (uint64_t)kind << 8 | width;
    emit_hash(walk, hash_data(walk, walk->snapshot.hashing.key, tag, data, size));
}

void
content_of_row(Walk *walk, PyObject *object, const TypeEntry *entry)
{
    uint8_t kind = entry->snapshot.content;
    if (kind == CONTENT_UNKNOWN || entry->opaque)
        return;
    int shown = walk->snapshot.shows_values;
    if (walk->snapshot.shows_keys) {
        Region *region = visited_region(walk, &walk->visited, object);
        uint32_t granule = visited_granule(object);
        shown = region->wanted != NULL && (region->wanted[granule >> 6] >> (granule & 63) & 1);
    }
    if (shown)
        show(walk, object, kind, walk->snapshot.row - 1);
    if (walk->snapshot.hashing.on && (kind == CONTENT_TEXT || kind == CONTENT_BYTES))
        hash_of_row(walk, object, kind);
}
