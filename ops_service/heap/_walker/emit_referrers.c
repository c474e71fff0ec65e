/* Writes the result of the search for holders.
 *
 * Output, one record after another, all numbers little-endian. A node or a path: kind
 * (1), for a node its number (4), number of the previous node (4, 0 at the start of a
 * path), id (4), kind of the edge (1), number of the element (4), number of objects left
 * out in between (4), lengths of type, name and edge's name (2 each), these texts. A
 * type that the caller may have meant: REFERRERS_TYPE (1), length (2), text. The end: 0
 * (1), then objects, paths seen, rows read (8 each), whether the time limit was reached
 * (1).
 *
 * A node is written once, before the nodes behind it, so the nodes form a tree.
 */
#include "edges.h"
#include "memory.h"
#include "names.h"
#include "namespaces.h"
#include "referrers.h"
#include "roots.h"
#include "type_name.h"
#include "walk.h"

#include <string.h>

#define OUTPUT_CAPACITY (1u << 20)
#define TEXT_MAX 400u
#define RECORD_MAX (3 * TEXT_MAX + 64u)
#define SUGGESTIONS_MAX 3

typedef struct {
    char text[TEXT_MAX];
    size_t length;
} Text;

static void
text_add(Text *to, const char *text, size_t length)
{
    if (length > TEXT_MAX - to->length)
        length = TEXT_MAX - to->length;
    memcpy(to->text + to->length, text, length);
    to->length += length;
}

static void
text_add_type(Text *to, PyTypeObject *type)
{
    const char *module, *name;
    size_t module_length, name_length;
    type_name(type, &module, &module_length, &name, &name_length);
    text_add(to, module, module_length);
    if (module_length > 0)
        text_add(to, ".", 1);
    text_add(to, name, name_length);
}

static void
make_room(Walk *walk, Buffer *buffer)
{
    if (buffer->length <= OUTPUT_CAPACITY - RECORD_MAX)
        return;
    output_write(walk, buffer->data, buffer->length);
    buffer->length = 0;
}

/* ---- one record ---------------------------------------------------------------------- */

static int
what_is(uintptr_t entry, Text *type, Text *name, Walk *walk)
{
    uintptr_t address = entry & ~(uintptr_t)TAG_MASK;
    uint32_t tag = (uint32_t)(entry & TAG_MASK);
    if (tag == TAG_ROOT && address >> 3 >= ROOT_OTHERS) {
        char digits[INTERPRETER_NAME_ROOM];
        text_add(name, digits, interpreter_name(root_other(walk, address), digits));
        return REFERRERS_OTHER_INTERPRETER;
    }
    if (tag == TAG_ROOT)
        return address >> 3 == ROOT_MODULES ? REFERRERS_MODULES
               : address >> 3 == ROOT_OWN   ? REFERRERS_OWN : REFERRERS_INTERPRETER;
    if (tag == TAG_THREAD) {
        const ThreadName *thread = thread_name(walk, (PyThreadState *)address);
        if (thread != NULL)
            text_add(name, thread->name, strlen(thread->name));
        return REFERRERS_THREAD;
    }
    if (tag == TAG_FRAME) {
        PyCodeObject *code = layout_frame_code((layout_frame *)address);
        const char *text;
        size_t length;
        if (code != NULL && type_text(code->co_qualname, &text, &length))
            text_add(name, text, length);
        return REFERRERS_FRAME;
    }
    PyObject *object = (PyObject *)address;
    text_add_type(type, Py_TYPE(object));
    if (PyType_Check(object))
        text_add_type(name, (PyTypeObject *)object);
    return tag == TAG_HELD_BY_C ? REFERRERS_HELD_BY_C
           : tag == TAG_CYCLE      ? REFERRERS_GARBAGE : REFERRERS_OBJECT;
}

/* The name of an entry of a dict that was recognized as a namespace only later. */
static uint32_t
late_name(Walk *walk, uint32_t parent, uintptr_t target)
{
    uintptr_t entry = referrers_row(&walk->referrers, parent)->entry;
    uint32_t tag = (uint32_t)(entry & TAG_MASK);
    if (tag == TAG_FRAME || tag == TAG_THREAD || tag == TAG_ROOT)
        return 0;
    PyObject *source = (PyObject *)(entry & ~(uintptr_t)TAG_MASK);
    if (!PyDict_Check(source) || !namespace_known(walk, (PyDictObject *)source))
        return 0;
    Py_ssize_t count = layout_keys_count(((PyDictObject *)source)->ma_keys);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key, *value;
        layout_dict_entry((PyDictObject *)source, i, &key, &value);
        if ((uintptr_t)value == target)
            return name_number(walk, key);
    }
    return 0;
}

static void
put_record(Walk *walk, Buffer *buffer, int way, uint32_t number, uint32_t before,
           uint32_t left_out, const ReferrerRow *row)
{
    Text type = {.length = 0}, name = {.length = 0}, edge_name = {.length = 0};
    uint32_t tag = (uint32_t)(row->entry & TAG_MASK);
    int is_object = tag != TAG_FRAME && tag != TAG_THREAD && tag != TAG_ROOT;
    uintptr_t address = row->entry & ~(uintptr_t)TAG_MASK;
    uint32_t label = row->label;
    if (left_out == 0 && label == LABEL(0, EDGE_VALUE)) {
        uint32_t late = late_name(walk, row->parent, address);
        label = late != 0 ? LABEL(late, EDGE_ATTRIBUTE) : label;
    }
    if (left_out == 0 && label >> 4 != 0) {
        const ReferrerName *known = &walk->referrers.names[label >> 4];
        text_add(&edge_name, known->text, known->length);
    }
    make_room(walk, buffer);
    uint64_t what = (uint64_t)what_is(row->entry, &type, &name, walk);
    buffer_little(buffer, what | (way ? REFERRERS_WAY : 0), 1);
    if (!way)
        buffer_little(buffer, number, 4);
    buffer_little(buffer, before, 4);
    buffer_little(buffer, is_object ? visited_id(walk, (void *)address) : 0, 4);
    buffer_little(buffer, left_out == 0 ? label & 15 : 0, 1);
    buffer_little(buffer, row->element, 4);
    buffer_little(buffer, left_out, 4);
    buffer_little(buffer, type.length, 2);
    buffer_little(buffer, name.length, 2);
    buffer_little(buffer, edge_name.length, 2);
    buffer_bytes(walk, buffer, type.text, type.length);
    buffer_bytes(walk, buffer, name.text, name.length);
    buffer_bytes(walk, buffer, edge_name.text, edge_name.length);
}

/* ---- paths --------------------------------------------------------------------------- */

/* Writes a row behind a node. Returns the number of the new node, 0 if the output already
 * has NODES_MAX. */
static uint32_t
put_node(Walk *walk, Buffer *buffer, uint32_t row_number, uint32_t before, uint32_t left_out)
{
    Referrers *referrers = &walk->referrers;
    if (referrers->node_count >= NODES_MAX)
        return 0;
    ReferrerRow *row = referrers_row(referrers, row_number);
    uint32_t number = row->node = ++referrers->node_count;
    const ReferrerNode *last = &referrers->nodes[before];
    ReferrerNode *node = &referrers->nodes[number];
    node->steps = before == 0 ? 0 : last->steps + 1;
    node->depth = before == 0 ? left_out : last->depth + left_out + 1;
    node->anchor = before == 0 || node->steps <= STEPS_FIRST ? number : last->anchor;
    put_record(walk, buffer, 0, number, before, left_out, row);
    return number;
}

/* Writes the rows that lead to a row, and returns the number of its node. Rows are
 * numbered from the end of the path. Of a path with more than STEPS_MAX, only the first
 * and last rows are kept. */
static uint32_t
put_chain(Walk *walk, Buffer *buffer, uint32_t row_number)
{
    Referrers *referrers = &walk->referrers;
    uint32_t last[STEPS_MAX], first[STEPS_FIRST + 1];
    uint32_t length = 0, at = row_number, before = 0;
    for (; at != ROW_NONE; length++) {
        const ReferrerRow *row = referrers_row(referrers, at);
        before = row->node;
        if (before != 0)
            break;
        if (length < STEPS_MAX)
            last[length] = at;
        first[length % (STEPS_FIRST + 1)] = at;
        at = row->parent;
    }
    uint32_t known = before == 0 ? 0 : referrers->nodes[before].steps + 1;
    if (length + known <= STEPS_MAX) {
        for (uint32_t i = length; i > 0; i--)
            if ((before = put_node(walk, buffer, last[i - 1], before, 0)) == 0)
                return 0;
        return before;
    }
    uint32_t depth = length + (before == 0 ? 0 : referrers->nodes[before].depth + 1);
    if (known > STEPS_FIRST)
        before = referrers->nodes[before].anchor;
    for (uint32_t i = 0; known + i <= STEPS_FIRST; i++)
        if ((before = put_node(walk, buffer, first[(length - 1 - i) % (STEPS_FIRST + 1)], before,
                               0)) == 0)
            return 0;
    uint32_t rest = length < STEPS_LAST ? length : STEPS_LAST;
    uint32_t left_out = depth - rest - (referrers->nodes[before].depth + 1);
    for (uint32_t i = rest; i > 0; i--, left_out = 0)
        if ((before = put_node(walk, buffer, last[i - 1], before, left_out)) == 0)
            return 0;
    return before;
}

/* Whether a path leads through the object itself. None does if a root reaches the
 * object. */
static int
is_circle(Referrers *referrers, const ReferrerWay *way)
{
    if (referrers->address == 0 || referrers->is_followed)
        return 0;
    for (uint32_t at = way->parent; at != ROW_NONE;) {
        const ReferrerRow *row = referrers_row(referrers, at);
        if ((row->entry & ~(uintptr_t)TAG_MASK) == referrers->address)
            return 1;
        at = row->parent;
    }
    return 0;
}

static void
put_way(Walk *walk, Buffer *buffer, const ReferrerWay *way)
{
    Referrers *referrers = &walk->referrers;
    if (is_circle(referrers, way))
        return;
    uint32_t before = 0;
    if (way->parent != ROW_NONE && (before = put_chain(walk, buffer, way->parent)) == 0)
        return;
    const ReferrerRow row = {.entry = way->entry, .parent = way->parent, .label = way->label,
                             .element = way->element};
    put_record(walk, buffer, 1, 0, before, 0, &row);
}

/* ---- types whose name resembles the requested one -------------------------------------- */

static void
put_suggestions(Walk *walk, Buffer *buffer)
{
    const char *wanted = walk->settings->referrers.type;
    const char *dot = strrchr(wanted, '.');
    wanted = dot != NULL ? dot + 1 : wanted;
    int count = 0;
    for (size_t i = 0; i < walk->types.capacity && count < SUGGESTIONS_MAX; i++) {
        const TypeEntry *entry = walk->types.slots[i];
        Text text = {.length = 0};
        if (entry == NULL)
            continue;
        text_add_type(&text, entry->type);
        size_t length = strlen(wanted);
        if (length == 0 || text.length < length ||
            memcmp(text.text + text.length - length, wanted, length) != 0 ||
            (text.length > length && text.text[text.length - length - 1] != '.'))
            continue;
        buffer_little(buffer, REFERRERS_TYPE, 1);
        buffer_little(buffer, text.length, 2);
        buffer_bytes(walk, buffer, text.text, text.length);
        count++;
    }
}

void
referrers_emit(Walk *walk)
{
    Referrers *referrers = &walk->referrers;
    Buffer buffer;
    buffer_open(walk, &buffer, OUTPUT_CAPACITY);
    for (uint32_t i = 0; i < referrers->way_count; i++)
        put_way(walk, &buffer, &referrers->ways[i]);
    make_room(walk, &buffer);
    if (referrers->objects == 0 && walk->settings->referrers.id == 0)
        put_suggestions(walk, &buffer);
    buffer_little(&buffer, REFERRERS_END, 1);
    buffer_little(&buffer, referrers->objects, 8);
    buffer_little(&buffer, referrers->ways_seen, 8);
    buffer_little(&buffer, referrers->count, 8);
    buffer_little(&buffer, (uint64_t)referrers->stopped, 1);
    output_write(walk, buffer.data, buffer.length);
}
