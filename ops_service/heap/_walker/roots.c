/* Starts of a walk: modules, the interpreter, and the stacks of all threads. Also
 * the lists of the garbage collector, where the walk finds objects that no root
 * reaches.
 */
#include "roots.h"

#include "child_end.h"
#include "edges.h"
#include "emit_definitions.h"
#include "names.h"
#include "sink.h"

#include <string.h>

#define THREADS_MAX 4096
#define THREADS_COUNTED_MAX (1u << 22)
#define FRAMES_MAX 200000
#define FRAMES_COUNTED_MAX (1 << 24)
#define ATEXIT_MAX 100000
#define LIST_OBJECTS_MAX (UINT64_C(1) << 33)

enum {
    ROOT_KIND_MODULES = 1,
    ROOT_KIND_INTERPRETER = 2,
    ROOT_KIND_THREAD = 3,
    ROOT_KIND_FRAME = 4,
    ROOT_KIND_OWN = 5,
    ROOT_KIND_HELD_BY_C = 6,
};

enum {
    SYNTHETIC_MODULES,
    SYNTHETIC_INTERPRETER,
    SYNTHETIC_THREAD,
    SYNTHETIC_FRAME,
    SYNTHETIC_OWN,
    SYNTHETIC_HELD_BY_C,
};

const ThreadName *
thread_name(const Walk *walk, const PyThreadState *thread)
{
    const Settings *settings = walk->settings;
    for (int i = 0; i < settings->thread_count; i++)
        if (settings->threads[i].ident == thread->thread_id)
            return &settings->threads[i];
    return NULL;
}

PyThreadState *
thread_next(Walk *walk, PyThreadState *after, int own, uint32_t *seen)
{
    PyThreadState *thread = after == NULL ? PyInterpreterState_ThreadHead(walk->settings->interp)
                                          : PyThreadState_Next(after);
    for (; thread != NULL && *seen < THREADS_COUNTED_MAX; thread = PyThreadState_Next(thread)) {
        const ThreadName *name = thread_name(walk, thread);
        if ((name != NULL && name->own) != own)
            continue;
        if (++*seen <= THREADS_MAX)
            return thread;
        walk->shared->left_out[LEFT_OUT_THREADS]++;
    }
    return NULL;
}

static uint32_t
push_threads(Walk *walk, int own)
{
    uint32_t count = 0, seen = 0;
    PyThreadState *thread = NULL;
    while ((thread = thread_next(walk, thread, own, &seen)) != NULL) {
        queue_push(walk, &walk->queue, (uintptr_t)thread | TAG_THREAD);
        count++;
    }
    return count;
}

uint32_t
roots_push(Walk *walk)
{
    /* Roots without an address have their number above the tag bits. */
    queue_push(walk, &walk->queue, (uintptr_t)ROOT_MODULES << 3 | TAG_ROOT);
    queue_push(walk, &walk->queue, (uintptr_t)ROOT_INTERPRETER << 3 | TAG_ROOT);
    return 2 + push_threads(walk, 0);
}

void
roots_hold_back_own(Walk *walk, int hold_back)
{
    for (int i = 0; i < walk->settings->own_count; i++)
        visited_mark(walk, &walk->visited, walk->settings->own[i], hold_back);
}

uint32_t
roots_push_own(Walk *walk)
{
    queue_push(walk, &walk->queue, (uintptr_t)ROOT_OWN << 3 | TAG_ROOT);
    return 1 + push_threads(walk, 1);
}

uint32_t
roots_push_held(Walk *walk)
{
    queue_push(walk, &walk->queue, (uintptr_t)ROOT_HELD_BY_C << 3 | TAG_ROOT);
    return 1;
}

/* ---- synthetic nodes --------------------------------------------------------- */

static const char *const synthetic_names[SYNTHETIC_TYPES] = {
    "modules", "interpreter", "thread", "frame", "ops_service", "held by C code"};

static uint32_t
synthetic_type(Walk *walk, int number)
{
    /* 0 means "not yet defined". */
    uint32_t *type = &walk->snapshot.synthetic_types[number];
    if (*type == 0)
        *type = emit_synthetic_type(walk, synthetic_names[number]) + 1;
    return *type - 1;
}

static void
define_thread(Walk *walk, PyThreadState *thread)
{
    const ThreadName *known = thread_name(walk, thread);
    const char *name = known != NULL ? known->name : "";
    emit_root(walk, walk->snapshot.row, ROOT_KIND_THREAD, name, strlen(name), thread->thread_id);
}

static void
define_frame(Walk *walk, layout_frame *frame)
{
    PyCodeObject *code = layout_frame_code(frame);
    PyObject *name = code != NULL ? code->co_qualname : NULL;
    const char *text = "";
    size_t length = 0;
    if (name != NULL && PyUnicode_Check(name) && PyUnicode_IS_COMPACT_ASCII(name)) {
        text = (const char *)((PyASCIIObject *)name + 1);
        length = (size_t)((PyASCIIObject *)name)->length;
    }
    emit_root(walk, walk->snapshot.row, ROOT_KIND_FRAME, text, length, 0);
}

static int
synthetic_of(uintptr_t address, uint32_t tag)
{
    if (tag == TAG_FRAME)
        return SYNTHETIC_FRAME;
    if (tag == TAG_THREAD)
        return SYNTHETIC_THREAD;
    switch (address >> 3) {
    case ROOT_MODULES: return SYNTHETIC_MODULES;
    case ROOT_OWN: return SYNTHETIC_OWN;
    case ROOT_HELD_BY_C: return SYNTHETIC_HELD_BY_C;
    default: return SYNTHETIC_INTERPRETER;
    }
}

const char *
root_type(uintptr_t entry)
{
    return synthetic_names[synthetic_of(entry & ~(uintptr_t)TAG_MASK, (uint32_t)(entry & TAG_MASK))];
}

uint32_t
root_define(Walk *walk, uintptr_t address, uint32_t tag)
{
    static const int kinds[SYNTHETIC_TYPES] = {
        [SYNTHETIC_MODULES] = ROOT_KIND_MODULES,
        [SYNTHETIC_INTERPRETER] = ROOT_KIND_INTERPRETER,
        [SYNTHETIC_OWN] = ROOT_KIND_OWN,
        [SYNTHETIC_HELD_BY_C] = ROOT_KIND_HELD_BY_C,
    };
    int number = synthetic_of(address, tag);
    if (number == SYNTHETIC_FRAME)
        define_frame(walk, (layout_frame *)address);
    else if (number == SYNTHETIC_THREAD)
        define_thread(walk, (PyThreadState *)address);
    else
        emit_root(walk, walk->snapshot.row, kinds[number], "", 0, 0);
    return synthetic_type(walk, number);
}

/* ---- references of the roots ----------------------------------------------------- */

static void
root_edge(Walk *walk, PyObject *target, uint32_t name, uint32_t tag)
{
    sink_edge(walk, target, LABEL(name, EDGE_ROOT), tag);
}

static void
modules_edges(Walk *walk)
{
    PyObject *modules = walk->settings->modules;
    if (modules == NULL)
        return;
    if (PyDict_Check(modules)) {
        PyDictObject *dict = (PyDictObject *)modules;
        Py_ssize_t count = layout_keys_count(dict->ma_keys);
        for (Py_ssize_t i = 0; i < count; i++) {
            PyObject *key, *value;
            layout_dict_entry(dict, i, &key, &value);
            if (value != NULL)
                root_edge(walk, value, sink_has_names(walk) ? name_number_dotted(walk, key) : 0,
                          TAG_OBJECT);
        }
    }
    root_edge(walk, modules, sink_literal(walk, "sys.modules"), TAG_OBJECT);
}

static void
held_by_interpreter(Walk *walk)
{
    PyInterpreterState *interp = walk->settings->interp;
    const Located *at = located(walk);
    for (int i = 0; i < LAYOUT_INTERPRETER_PARTS; i++) {
        const char *name;
        PyObject *part = layout_interpreter_part(interp, at, i, &name);
        if (part != NULL)
            root_edge(walk, part, sink_literal(walk, name),
                      LAYOUT_IS_NAMESPACE(i) ? TAG_NAMESPACE : TAG_OBJECT);
    }
    PyObject *parts[3];
    int entry = 0;
    for (; entry < ATEXIT_MAX && layout_atexit(interp, at, entry, parts); entry++)
        for (int j = 0; j < 3; j++)
            root_edge(walk, parts[j], sink_literal(walk, "atexit.register"), TAG_OBJECT);
    if (entry == ATEXIT_MAX)
        walk->shared->left_out[LEFT_OUT_CALLBACKS] +=
            (uint64_t)(layout_atexit_count(interp, at) - ATEXIT_MAX);
}

static void
interpreter_edges(Walk *walk)
{
    const Settings *settings = walk->settings;
    for (int i = 0; i < settings->root_count; i++) {
        PyObject *object = settings->roots[i].object;
        uint32_t tag = PyDict_Check(object) ? TAG_NAMESPACE : TAG_OBJECT;
        root_edge(walk, object, sink_literal(walk, settings->roots[i].name), tag);
    }
    held_by_interpreter(walk);
    Py_ssize_t gc = located(walk)->gc;
    root_edge(walk, LAYOUT_FIELD(settings->interp, gc.garbage, gc),
              sink_literal(walk, "gc.garbage"), TAG_OBJECT);
    root_edge(walk, LAYOUT_FIELD(settings->interp, gc.callbacks, gc),
              sink_literal(walk, "gc.callbacks"), TAG_OBJECT);
}

static void
held_edges(Walk *walk)
{
    uintptr_t entry;
    while ((entry = queue_pop(walk, &walk->snapshot.held_by_c)) != 0)
        root_edge(walk, (PyObject *)(entry & ~(uintptr_t)TAG_MASK), 0,
                  (uint32_t)(entry & TAG_MASK));
}

static void
frame_edge(Walk *walk, layout_frame *frame, PyCodeObject *code)
{
    uint32_t name = sink_has_names(walk) ? name_number(walk, code->co_name) : 0;
    if (!sink_frame(walk, (uintptr_t)frame, LABEL(name, EDGE_ROOT), TAG_FRAME))
        edges_of_frame(walk, frame);
}

static void
thread_edges(Walk *walk, PyThreadState *thread)
{
    layout_frame *frame = layout_current_frame(thread);
    for (int depth = 0; frame != NULL && depth < FRAMES_MAX; depth++, frame = frame->previous) {
        PyCodeObject *code = layout_frame_code(frame);
        if (code != NULL)
            frame_edge(walk, frame, code);
    }
    for (int depth = 0; frame != NULL && depth < FRAMES_COUNTED_MAX; depth++, frame = frame->previous)
        walk->shared->left_out[LEFT_OUT_FRAMES] += layout_frame_code(frame) != NULL;
    for (int i = 0; i < LAYOUT_THREAD_PARTS; i++) {
        const char *name;
        PyObject *part = layout_thread_part(thread, i, &name);
        if (part != NULL)
            root_edge(walk, part, sink_literal(walk, name), TAG_OBJECT);
    }
    _PyErr_StackItem *item = thread->exc_info;
    for (int depth = 0; item != NULL && depth < FRAMES_MAX; depth++, item = item->previous_item)
        root_edge(walk, item->exc_value, sink_literal(walk, "handled_exception"), TAG_OBJECT);
    for (int depth = 0; item != NULL && depth < FRAMES_COUNTED_MAX; depth++, item = item->previous_item)
        walk->shared->left_out[LEFT_OUT_FRAMES] += item->exc_value != NULL;
}

void
root_edges(Walk *walk, uintptr_t address, uint32_t tag)
{
    if (tag == TAG_FRAME)
        edges_of_frame(walk, (layout_frame *)address);
    else if (tag == TAG_THREAD)
        thread_edges(walk, (PyThreadState *)address);
    else if (address >> 3 == ROOT_MODULES)
        modules_edges(walk);
    else if (address >> 3 == ROOT_OWN) {
        for (int i = 0; i < walk->settings->own_count; i++)
            root_edge(walk, walk->settings->own[i], 0, TAG_OBJECT);
        for (int i = 0; i < 2; i++)
            root_edge(walk, walk->settings->call[i], 0, TAG_OBJECT);
    }
    else if (address >> 3 == ROOT_HELD_BY_C)
        held_edges(walk);
    else
        interpreter_edges(walk);
}

void
root_read(Walk *walk, uintptr_t address, uint32_t tag)
{
    phase_is(walk, PHASE_ROOT);
    root_edges(walk, address, tag);
    phase_is(walk, PHASE_NONE);
}

/* ---- the collector's lists --------------------------------------------------------- */

void
gc_lists_begin(Walk *walk)
{
    walk->lists = gc_lists_open(walk->settings->interp, located(walk));
    walk->list_seen = 0;
}

PyObject *
gc_lists_next(Walk *walk)
{
    PyObject *object = gc_lists_step(&walk->lists);
    if (object != NULL && walk->list_seen++ > LIST_OBJECTS_MAX)
        child_end(walk->shared, STATUS_CORRUPT, 0);
    return object;
}
