/* Starts of a walk: modules, the interpreter, the stacks of all threads, and each other
 * interpreter that the walk can read. Also the lists of the garbage collector, where the
 * walk finds objects that no root reaches.
 */
#include "roots.h"

#include "child_end.h"
#include "emit_definitions.h"
#include "queue.h"

#include <string.h>

#define LIST_OBJECTS_MAX (UINT64_C(1) << 33)

enum {
    ROOT_KIND_MODULES = 1,
    ROOT_KIND_INTERPRETER = 2,
    ROOT_KIND_THREAD = 3,
    ROOT_KIND_FRAME = 4,
    ROOT_KIND_OWN = 5,
    ROOT_KIND_HELD_BY_C = 6,
    ROOT_KIND_OTHER_INTERPRETER = 7,
};

enum {
    SYNTHETIC_MODULES,
    SYNTHETIC_INTERPRETER,
    SYNTHETIC_THREAD,
    SYNTHETIC_FRAME,
    SYNTHETIC_OWN,
    SYNTHETIC_HELD_BY_C,
    SYNTHETIC_OTHER_INTERPRETER,
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

/* An interpreter with its own GIL runs on during the clone, so its objects may be copied in
 * the middle of a change. */
static int
is_readable(const Walk *walk, int number)
{
    const Interpreter *each = &walk->interpreters.list[number];
    return each->state != walk->settings->interp && each->gil == GIL_SHARED;
}

uint32_t
roots_push_others(Walk *walk)
{
    uint32_t count = 0;
    for (int i = 0; i < walk->interpreters.count; i++)
        if (is_readable(walk, i)) {
            queue_push(walk, &walk->queue, (uintptr_t)(ROOT_OTHERS + i) << 3 | TAG_ROOT);
            count++;
        }
    return count;
}

const Interpreter *
root_other(const Walk *walk, uintptr_t address)
{
    return &walk->interpreters.list[(address >> 3) - ROOT_OTHERS];
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
    "modules", "interpreter", "thread", "frame", "ops_service", "held by C code",
    "other interpreter"};

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

static void
define_other(Walk *walk, const Interpreter *other)
{
    char text[INTERPRETER_NAME_ROOM];
    size_t length = interpreter_name(other, text);
    emit_root(walk, walk->snapshot.row, ROOT_KIND_OTHER_INTERPRETER, text, length, 0);
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
    case ROOT_INTERPRETER: return SYNTHETIC_INTERPRETER;
    default: return SYNTHETIC_OTHER_INTERPRETER;
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
    else if (number == SYNTHETIC_OTHER_INTERPRETER)
        define_other(walk, root_other(walk, address));
    else
        emit_root(walk, walk->snapshot.row, kinds[number], "", 0, 0);
    return synthetic_type(walk, number);
}

/* ---- the collector's lists --------------------------------------------------------- */

/* Opens the lists of the first readable interpreter from a place on; the own one is first.
 * Returns 0 if there is none. */
static int
open_lists(Walk *walk, int number)
{
    for (; number <= walk->interpreters.count; number++)
        if (number == 0 || is_readable(walk, number - 1)) {
            PyInterpreterState *interp = number == 0 ? walk->settings->interp
                                                     : walk->interpreters.list[number - 1].state;
            walk->lists = gc_lists_open(interp, located(walk));
            walk->lists_number = number;
            return 1;
        }
    return 0;
}

void
gc_lists_begin(Walk *walk)
{
    open_lists(walk, 0);
    walk->list_seen = 0;
}

PyObject *
gc_lists_next(Walk *walk)
{
    PyObject *object;
    while ((object = gc_lists_step(&walk->lists)) == NULL)
        if (!open_lists(walk, walk->lists_number + 1))
            return NULL;
    if (walk->list_seen++ > LIST_OBJECTS_MAX)
        child_end(walk->shared, STATUS_CORRUPT, 0);
    return object;
}
