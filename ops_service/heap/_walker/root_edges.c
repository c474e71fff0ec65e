/* The references of the roots: of modules, of the interpreter, of threads and frames, and of
 * other interpreters.
 */
#include "edges.h"
#include "names.h"
#include "roots.h"
#include "sink.h"

#define FRAMES_MAX 200000
#define FRAMES_COUNTED_MAX (1 << 24)
#define ATEXIT_MAX 100000

static void
root_edge(Walk *walk, PyObject *target, uint32_t name, uint32_t tag)
{
    sink_edge(walk, target, LABEL(name, EDGE_ROOT), tag);
}

static void
modules_edges(Walk *walk, PyObject *modules)
{
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
held_by_interpreter(Walk *walk, PyInterpreterState *interp)
{
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
    root_edge(walk, LAYOUT_FIELD(interp, gc.garbage, at->gc), sink_literal(walk, "gc.garbage"),
              TAG_OBJECT);
    root_edge(walk, LAYOUT_FIELD(interp, gc.callbacks, at->gc),
              sink_literal(walk, "gc.callbacks"), TAG_OBJECT);
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
    held_by_interpreter(walk, settings->interp);
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

/* All that another interpreter holds. Its threads have no names here, since only its own
 * `threading` knows them, so their stacks stand at its root. */
static void
other_edges(Walk *walk, PyInterpreterState *interp)
{
    const Located *at = located(walk);
    PyObject *names = LAYOUT_FIELD(interp, sysdict, at->names), *dict;
    modules_edges(walk, LAYOUT_FIELD(interp, LAYOUT_MODULES, at->imports));
    root_edge(walk, names, sink_literal(walk, "sys"), TAG_NAMESPACE);
    held_by_interpreter(walk, interp);
    for (size_t i = 0; layout_builtin_dict(interp, at, i, &dict); i++)
        root_edge(walk, dict, sink_literal(walk, "builtin_types"), TAG_NAMESPACE);
    PyThreadState *thread = PyInterpreterState_ThreadHead(interp);
    for (int i = 0; thread != NULL && i < THREADS_MAX; i++, thread = PyThreadState_Next(thread))
        thread_edges(walk, thread);
    for (int i = 0; thread != NULL && i < THREADS_COUNTED_MAX; i++, thread = PyThreadState_Next(thread))
        walk->shared->left_out[LEFT_OUT_THREADS]++;
}

void
root_edges(Walk *walk, uintptr_t address, uint32_t tag)
{
    if (tag == TAG_FRAME)
        edges_of_frame(walk, (layout_frame *)address);
    else if (tag == TAG_THREAD)
        thread_edges(walk, (PyThreadState *)address);
    else if (address >> 3 >= ROOT_OTHERS)
        other_edges(walk, root_other(walk, address)->state);
    else if (address >> 3 == ROOT_MODULES)
        modules_edges(walk, walk->settings->modules);
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
