/* Allocation sites of objects, from the tables of tracemalloc.
 *
 * The tables are read without their lock, because its holder may not exist in the
 * child. A table in the middle of a change may show anything: the search is
 * bounded, and a fault counts as a fault of the object being read.
 */
#include "sites.h"

#include "emit_definitions.h"
#include "memory.h"
#include "type_name.h"
#include "walk.h"

#include <string.h>

#define BUCKET_STEPS_MAX 100000
#define FIRST_CAPACITY 1024u
#define SITES_MAX (1u << 20)
#define LINE_DIGITS 10

static SiteEntry *
place(SiteEntry *slots, size_t capacity, layout_file file, unsigned line)
{
    uint64_t hash = ((uintptr_t)file >> 4) * UINT64_C(0x9E3779B97F4A7C15) + line;
    size_t i = (size_t)((hash * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (capacity - 1);
    while (slots[i].number != 0 && (slots[i].file != file || slots[i].line != line))
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static void
grow(Walk *walk)
{
    Sites old = walk->sites;
    Sites *sites = &walk->sites;
    sites->capacity = old.capacity == 0 ? FIRST_CAPACITY : old.capacity * 2;
    sites->slots = memory_map(walk, sites->capacity * sizeof(SiteEntry));
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].number != 0)
            *place(sites->slots, sites->capacity, old.slots[i].file, old.slots[i].line) = old.slots[i];
    if (old.capacity != 0)
        memory_unmap(walk, old.slots, old.capacity * sizeof(SiteEntry));
}

/* The block of an object starts with the header before the object. */
static const void *
block_of(PyObject *object)
{
    size_t before = layout_is_gc(object) ? _PyType_PreHeaderSize(Py_TYPE(object)) : 0;
    return (const char *)object - before;
}

uint32_t
site_number(Walk *walk, PyObject *object)
{
    layout_file file;
    unsigned line;
    if (!walk->sites.on || !layout_site(block_of(object), walk->sites.moved, BUCKET_STEPS_MAX, &file, &line))
        return 0;
    Sites *sites = &walk->sites;
    if ((size_t)sites->count * 2 >= sites->capacity)
        grow(walk);
    SiteEntry *entry = place(sites->slots, sites->capacity, file, line);
    if (entry->number == 0) {
        if (sites->count >= SITES_MAX) {
            walk->shared->left_out[LEFT_OUT_SITES]++;
            return 0;
        }
        entry->file = file;
        entry->line = line;
        entry->number = ++sites->count;
        emit_site(walk, file, line);
    }
    return entry->number;
}

size_t
site_text(const Walk *walk, PyObject *object, char *room, size_t capacity)
{
    layout_file file;
    unsigned line;
    const char *text;
    size_t length;
    if (!layout_site(block_of(object), walk->sites.moved, BUCKET_STEPS_MAX, &file, &line) ||
        !type_file_text(file, &text, &length))
        return 0;
    char digits[LINE_DIGITS];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + line % 10);
    while ((line /= 10) > 0);
    if (length + count + 1 > capacity)
        return 0;
    memcpy(room, text, length);
    room[length++] = ':';
    while (count > 0)
        room[length++] = digits[--count];
    return length;
}

/* Whether the site of the probe is the one that Python reports. */
static int
probe_holds(const SiteProbe *probe, Py_ssize_t moved)
{
    layout_file file;
    unsigned line;
    const char *text;
    size_t length;
    return layout_site(block_of(probe->object), moved, BUCKET_STEPS_MAX, &file, &line) &&
           line == probe->line && type_file_text(file, &text, &length) &&
           length == strlen(probe->file) && memcmp(text, probe->file, length) == 0;
}

/* Finds the tables: patch releases move them. Sites are read only from where the probe has
 * the site that Python reports. */
void
sites_open(Walk *walk)
{
    const SiteProbe *probe = &walk->settings->site;
    if (probe->object == NULL)
        return;
    for (Py_ssize_t away = 0; away <= LOCATE_MOST; away += (Py_ssize_t)sizeof(void *))
        for (int sign = 1; sign >= -1; sign -= 2)
            if (probe_holds(probe, sign * away)) {
                walk->sites.moved = sign * away;
                walk->sites.on = 1;
                walk->shared->sites_read = 1;
                return;
            }
}
