/* The table of names from source code. It never holds content: it accepts only
 * identifiers, and only from places where they are names.
 */
#include "names.h"

#include "memory.h"
#include "sink.h"
#include "walk.h"

#include <string.h>

#define FIRST_CAPACITY (1u << 13)
#define NAME_LENGTH_MAX 200

static int
is_name_byte(uint8_t c, int first, int dotted)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
        return 1;
    if (c >= '0' && c <= '9')
        return !first;
    return dotted && c == '.' && !first;
}

static const char *
ascii_text(PyObject *text, size_t *length)
{
    if (text == NULL || !PyUnicode_Check(text))
        return NULL;
    PyASCIIObject *string = (PyASCIIObject *)text;
    if (!string->state.compact || !string->state.ascii)
        return NULL;
    *length = (size_t)string->length;
    return (const char *)(string + 1);
}

static int
is_identifier(const char *text, size_t length, int dotted)
{
    if (length == 0 || length > NAME_LENGTH_MAX)
        return 0;
    for (size_t i = 0; i < length; i++)
        if (!is_name_byte((uint8_t)text[i], i == 0, dotted))
            return 0;
    return 1;
}

static uint32_t
hash_bytes(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ (hash >> 29));
}

static const char *
entry_text(const NameEntry *entry, size_t *length)
{
    if (entry->is_literal) {
        *length = strlen(entry->text);
        return entry->text;
    }
    return ascii_text((PyObject *)entry->text, length);
}

static NameEntry *
place(Names *names, uint32_t hash, const char *text, size_t length)
{
    size_t i = hash & (names->capacity - 1);
    for (;; i = (i + 1) & (names->capacity - 1)) {
        NameEntry *entry = &names->slots[i];
        if (entry->number == 0)
            return entry;
        if (entry->hash != hash)
            continue;
        size_t other_length = 0;
        const char *other = entry_text(entry, &other_length);
        if (other_length == length && memcmp(other, text, length) == 0)
            return entry;
    }
}

static void
grow(Walk *walk)
{
    Names old = walk->names;
    Names *names = &walk->names;
    names->capacity = old.capacity == 0 ? FIRST_CAPACITY : old.capacity * 2;
    names->slots = memory_map(walk, names->capacity * sizeof(NameEntry));
    for (size_t i = 0; i < old.capacity; i++) {
        NameEntry *entry = &old.slots[i];
        size_t length = 0;
        if (entry->number == 0)
            continue;
        const char *text = entry_text(entry, &length);
        *place(names, entry->hash, text, length) = *entry;
    }
    if (old.capacity != 0)
        memory_unmap(walk, old.slots, old.capacity * sizeof(NameEntry));
}

static uint32_t
number_of(Walk *walk, PyObject *object, const char *literal, const char *text, size_t length)
{
    Names *names = &walk->names;
    if ((size_t)names->count * 2 >= names->capacity)
        grow(walk);
    uint32_t hash = hash_bytes(text, length);
    NameEntry *entry = place(names, hash, text, length);
    if (entry->number != 0)
        return entry->number;
    if (names->count >= NAMES_MAX) {
        walk->shared->unnamed_past_bound++;
        return 0;
    }
    entry->hash = hash;
    entry->text = literal != NULL ? (const void *)literal : object;
    entry->is_literal = literal != NULL;
    entry->number = ++names->count;
    sink_name(walk, entry->number, text, length);
    return entry->number;
}

uint32_t
name_number(Walk *walk, PyObject *object)
{
    size_t length;
    if (walk->names.recent == NULL)
        walk->names.recent = memory_map(walk, NAMES_RECENT * sizeof(RecentName));
    uint64_t mixed = (uint64_t)(uintptr_t)object * UINT64_C(0x9E3779B97F4A7C15);
    RecentName *recent = &walk->names.recent[mixed >> 40 & (NAMES_RECENT - 1)];
    if (recent->object == object && object != NULL)
        return recent->number;
    const char *text = ascii_text(object, &length);
    if (text == NULL || !is_identifier(text, length, 0))
        return 0;
    uint32_t number = number_of(walk, object, NULL, text, length);
    /* Do not cache a name that the full table refused: each refusal is counted. */
    if (number != 0)
        *recent = (RecentName){object, number};
    return number;
}

uint32_t
name_number_dotted(Walk *walk, PyObject *object)
{
    size_t length;
    const char *text = ascii_text(object, &length);
    if (text == NULL || !is_identifier(text, length, 1))
        return 0;
    return number_of(walk, object, NULL, text, length);
}

uint32_t
name_number_literal(Walk *walk, const char *literal)
{
    return number_of(walk, NULL, literal, literal, strlen(literal));
}
