/* Strings of the table of paths: names of edges and of types. Each child rebuilds the hash
 * table from it.
 */
#include "growth.h"
#include "memory.h"
#include "type_name.h"
#include "walk.h"

#include <string.h>

#define STRING_LENGTH_MAX 512
#define TYPE_ROOM 1100u

static uint64_t
hash_text(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 31);
}

static uint32_t *
string_place(const Growth *growth, const char *text, size_t length)
{
    const PathTable *table = growth->table;
    size_t i = (size_t)hash_text(text, length) & (growth->string_capacity - 1);
    for (;; i = (i + 1) & (growth->string_capacity - 1)) {
        uint32_t number = growth->string_places[i];
        if (number == 0)
            return &growth->string_places[i];
        const PathString *string = &table->strings[number];
        if (string->length == length && memcmp(table->text + string->offset, text, length) == 0)
            return &growth->string_places[i];
    }
}

static int
string_is(const PathTable *table, uint32_t number, const char *text, size_t length)
{
    const PathString *string = &table->strings[number];
    return number < table->string_count && string->length == length &&
           memcmp(table->text + string->offset, text, length) == 0;
}

/* Strings come in nearly the same order in each walk. Tries the string after the last one,
 * then the one after the last jump. 0 if neither matches. */
static uint32_t
string_guess(Growth *growth, const char *text, size_t length)
{
    uint32_t guess = growth->string_found + 1;
    if (string_is(growth->table, guess, text, length))
        return growth->string_found = guess;
    guess = growth->string_before + 1;
    if (!string_is(growth->table, guess, text, length))
        return 0;
    growth->string_before = growth->string_found;
    return growth->string_found = guess;
}

static void
strings_index(Walk *walk, size_t capacity)
{
    Growth *growth = &walk->growth;
    if (growth->string_places != NULL)
        memory_unmap(walk, growth->string_places, growth->string_capacity * sizeof(uint32_t));
    growth->string_capacity = capacity;
    growth->string_places = memory_map(walk, capacity * sizeof(uint32_t));
    const PathTable *table = growth->table;
    for (uint32_t i = PATH_STRING_OTHER; i < table->string_count; i++)
        *string_place(growth, table->text + table->strings[i].offset, table->strings[i].length) = i;
}

uint32_t
path_string(Walk *walk, const char *text, size_t length)
{
    Growth *growth = &walk->growth;
    PathTable *table = growth->table;
    if (length > STRING_LENGTH_MAX) {
        length = STRING_LENGTH_MAX;
        /* Do not cut inside a character. */
        while (length > 0 && ((uint8_t)text[length] & 0xC0) == 0x80)
            length--;
    }
    uint32_t guess = string_guess(growth, text, length);
    if (guess != 0)
        return guess;
    uint32_t *place = string_place(growth, text, length);
    if (*place != 0) {
        growth->string_before = growth->string_found;
        return growth->string_found = *place;
    }
    uint32_t number = table->string_count;
    if (number >= PATH_STRINGS_MAX || PATH_TEXT_MAX - table->text_used < length)
        return PATH_STRING_OTHER;
    memcpy(table->text + table->text_used, text, length);
    table->strings[number] = (PathString){table->text_used, (uint16_t)length, 0};
    table->text_used += (uint32_t)length;
    __atomic_store_n(&table->string_count, number + 1, __ATOMIC_RELEASE);
    *place = number;
    if ((size_t)table->string_count * 2 >= growth->string_capacity)
        strings_index(walk, growth->string_capacity * 2);
    return number;
}

void
path_name(Walk *walk, uint32_t number, const char *text, size_t length)
{
    Growth *growth = &walk->growth;
    if (number >= growth->names_capacity) {
        uint32_t capacity = growth->names_capacity * 2;
        uint32_t *names = memory_map(walk, capacity * sizeof(uint32_t));
        memcpy(names, growth->names, growth->names_capacity * sizeof(uint32_t));
        memory_unmap(walk, growth->names, growth->names_capacity * sizeof(uint32_t));
        growth->names = names;
        growth->names_capacity = capacity;
    }
    growth->names[number] = path_string(walk, text, length);
}

static int
is_text(const char *text, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(text, wanted, length) == 0;
}

void
path_type(Walk *walk, TypeEntry *entry)
{
    char room[TYPE_ROOM];
    const char *parts[2];
    size_t lengths[2], at = 0;
    type_name(entry->type, &parts[0], &lengths[0], &parts[1], &lengths[1]);
    for (int i = 0; i < 2; i++) {
        size_t length = lengths[i] < TYPE_ROOM / 2 - 2 ? lengths[i] : TYPE_ROOM / 2 - 2;
        memcpy(room + at, parts[i], length);
        at += length;
        if (i == 0 && length > 0)
            room[at++] = '.';
    }
    entry->growth.string = path_string(walk, room, at);
    if (is_text(room, at, "_io.BytesIO"))
        entry->growth.buffer = BUFFER_BYTES;
    else if (is_text(room, at, "_io.StringIO"))
        entry->growth.buffer = BUFFER_TEXT;
    else if (is_text(room, at, "hamt_bitmap_node"))
        entry->growth.keys_by_variable = 1;
}

void
path_strings_open(Walk *walk)
{
    Growth *growth = &walk->growth;
    PathTable *table = growth->table;
    if (table->string_count == 0)
        table->string_count = PATH_STRING_OTHER;
    growth->names_capacity = 1u << 13;
    growth->names = memory_map(walk, growth->names_capacity * sizeof(uint32_t));
    size_t capacity = 1u << 12;
    while (capacity < (size_t)table->string_count * 2)
        capacity *= 2;
    strings_index(walk, capacity);
    path_string(walk, "\xe2\x80\xa6", 3);
    growth->frame_type = path_string(walk, "frame", 5);
    growth->thread_type = path_string(walk, "thread", 6);
    growth->local_type = path_string(walk, "_thread._local", 14);
}
