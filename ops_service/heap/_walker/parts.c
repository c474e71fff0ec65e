/* Names the parts of functions, types, modules, generators and the like, and
 * reports parts that their traversals omit.
 */
#include "edges.h"
#include "names.h"
#include "namespaces.h"
#include "sink.h"
#include "walk.h"

/* Past the bound a part has no name, but the traversal still reports it. */
static void
add(Walk *walk, PyObject *target, uint32_t label, uint32_t tag)
{
    if (walk->part_count >= PARTS_MAX) {
        walk->shared->left_out[LEFT_OUT_PART_NAMES]++;
        return;
    }
    walk->parts[walk->part_count++] = (Part){target, label, tag};
}

void
part_add(Walk *walk, PyObject *target, const char *name, uint32_t kind, uint32_t tag)
{
    if (target != NULL)
        add(walk, target, LABEL(name == NULL ? 0 : name_number_literal(walk, name), kind), tag);
}

static void
internal(Walk *walk, PyObject *target, const char *name)
{
    part_add(walk, target, name, EDGE_INTERNAL, TAG_OBJECT);
}

static void
namespace(Walk *walk, PyObject *target, const char *name)
{
    uint32_t tag = target != NULL && PyDict_Check(target) ? TAG_NAMESPACE : TAG_OBJECT;
    part_add(walk, target, name, EDGE_INTERNAL, tag);
}

static void
function_parts(Walk *walk, PyFunctionObject *function)
{
    internal(walk, function->func_code, "__code__");
    namespace(walk, function->func_globals, "__globals__");
    namespace(walk, function->func_builtins, "__builtins__");
    internal(walk, function->func_module, "__module__");
    internal(walk, function->func_defaults, "__defaults__");
    internal(walk, function->func_kwdefaults, "__kwdefaults__");
    internal(walk, function->func_doc, "__doc__");
    internal(walk, function->func_name, "__name__");
    namespace(walk, function->func_dict, "__dict__");
    internal(walk, function->func_closure, "__closure__");
    internal(walk, function->func_annotations, "__annotations__");
    internal(walk, function->func_qualname, "__qualname__");
}

static void
type_parts(Walk *walk, PyTypeObject *type)
{
    namespace(walk, layout_type_dict(type), "__dict__");
    internal(walk, type->tp_mro, "__mro__");
    internal(walk, type->tp_bases, "__bases__");
    internal(walk, (PyObject *)type->tp_base, "__base__");
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
        internal(walk, ((PyHeapTypeObject *)type)->ht_module, "__module__");
}

/* Local variables, each reported by sink_edge() or noted by add(). */
static void
frame_locals(Walk *walk, layout_frame *frame,
             void (*report)(Walk *, PyObject *, uint32_t label, uint32_t tag))
{
    PyCodeObject *code = layout_frame_code(frame);
    if (code == NULL)
        return;
    PyObject *names = code->co_localsplusnames;
    Py_ssize_t named = names != NULL && PyTuple_Check(names) ? ((PyVarObject *)names)->ob_size : 0;
    for (Py_ssize_t i = 0; i < code->co_nlocalsplus; i++) {
        PyObject *value = layout_frame_value(frame, i);
        if (value == NULL)
            continue;
        uint32_t name = i < named ? name_number(walk, ((PyTupleObject *)names)->ob_item[i]) : 0;
        report(walk, value, LABEL(name, EDGE_LOCAL), TAG_OBJECT);
    }
}

static void
frame_parts(Walk *walk, layout_frame *frame)
{
    internal(walk, (PyObject *)frame->frame_obj, "frame");
    namespace(walk, frame->f_locals, "f_locals");
    internal(walk, layout_frame_function(frame), "function");
    internal(walk, (PyObject *)layout_frame_code(frame), "f_code");
}

/* The same, and local variables, for a frame that a traversal visits. */
static void
traversed_frame_parts(Walk *walk, layout_frame *frame)
{
    if (frame == NULL)
        return;
    frame_parts(walk, frame);
    frame_locals(walk, frame, add);
}

/* The __dict__ of an instance that its traversal leaves out; NULL if there is none. A dict
 * that the application put in its place shares no values, and is visited. */
static PyObject *
unvisited_dict(const Walk *walk, PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    if (!walk->settings->known.shared_dict_unvisited ||
        !(type->tp_flags & Py_TPFLAGS_MANAGED_DICT) ||
        layout_inline_values(object, type) == NULL)
        return NULL;
    return layout_managed_dict(object);
}

static void
inline_parts(Walk *walk, PyObject *object, PyTypeObject *type, PyObject *dict)
{
    PyObject **values = layout_inline_values(object, type);
    PyDictKeysObject *keys = layout_cached_keys(type);
    if (values == NULL || keys == NULL || !layout_keys_are_strings(keys))
        return;
    Py_ssize_t count = layout_keys_count(keys);
    for (Py_ssize_t i = 0; i < count && i < SHARED_KEYS_MAX_SIZE; i++) {
        if (values[i] == NULL)
            continue;
        uint32_t label = dict != NULL ? LABEL_ELSEWHERE
                         : LABEL(name_number(walk, layout_keys_name(keys, i)), EDGE_ATTRIBUTE);
        add(walk, values[i], label, TAG_OBJECT);
    }
}

static void
instance_parts(Walk *walk, PyObject *object, TypeEntry *entry)
{
    PyTypeObject *type = entry->type;
    for (uint32_t i = 0; i < entry->slot_count; i++) {
        PyObject *value = *(PyObject **)((char *)object + entry->slots[i].offset);
        if (value != NULL)
            add(walk, value, entry->slots[i].label, TAG_OBJECT);
    }
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        PyObject *dict = layout_managed_dict(object), *unvisited = unvisited_dict(walk, object);
        if (dict == NULL || unvisited != NULL)
            inline_parts(walk, object, type, dict);
        if (unvisited == NULL)
            namespace(walk, dict, "__dict__");
    }
    else
        namespace(walk, layout_offset_dict(object, type), "__dict__");
    internal(walk, (PyObject *)type, "__class__");
}

/* Parts that the object's traversal may visit, with their names. */
void
parts_of(Walk *walk, PyObject *object, TypeEntry *entry)
{
    PyTypeObject *type = entry->type;
    if (type == &PyFunction_Type)
        function_parts(walk, (PyFunctionObject *)object);
    else if (type == &PyCell_Type)
        part_add(walk, ((PyCellObject *)object)->ob_ref, "cell_contents", EDGE_CELL, TAG_OBJECT);
    else if (type == &PyMethod_Type) {
        internal(walk, ((PyMethodObject *)object)->im_func, "__func__");
        internal(walk, ((PyMethodObject *)object)->im_self, "__self__");
    }
    else if (type == &PyCFunction_Type) {
        internal(walk, ((PyCFunctionObject *)object)->m_self, "__self__");
        internal(walk, ((PyCFunctionObject *)object)->m_module, "__module__");
    }
    else if (type == &PyGen_Type || type == &PyCoro_Type || type == &PyAsyncGen_Type)
        traversed_frame_parts(walk, layout_generator_frame(object));
    else if (type == &PyContext_Type) {
        internal(walk, (PyObject *)((PyContext *)object)->ctx_prev, "ctx_prev");
        internal(walk, (PyObject *)((PyContext *)object)->ctx_vars, "ctx_vars");
    }
    else if (type == &PyFrame_Type)
        traversed_frame_parts(walk, layout_owned_frame(object));
    else {
        if (PyType_Check(object))
            type_parts(walk, (PyTypeObject *)object);
        else if (PyModule_Check(object))
            namespace(walk, ((PyModuleObject *)object)->md_dict, "__dict__");
        else if (entry->thread_local)
            namespaces_of_local(walk, object);
        instance_parts(walk, object, entry);
    }
}

static void
left_out(Walk *walk, PyObject *target, const char *name, uint32_t tag)
{
    if (target == NULL)
        return;
    uint32_t number = name == NULL ? 0 : sink_literal(walk, name);
    sink_edge(walk, target, LABEL(number, EDGE_INTERNAL), tag);
}

static void
code_left_out(Walk *walk, PyCodeObject *code)
{
    left_out(walk, code->co_consts, "co_consts", TAG_OBJECT);
    left_out(walk, code->co_names, "co_names", TAG_OBJECT);
    left_out(walk, code->co_exceptiontable, "co_exceptiontable", TAG_OBJECT);
    left_out(walk, code->co_localsplusnames, "co_localsplusnames", TAG_OBJECT);
    left_out(walk, code->co_localspluskinds, "co_localspluskinds", TAG_OBJECT);
    left_out(walk, code->co_filename, "co_filename", TAG_OBJECT);
    left_out(walk, code->co_name, "co_name", TAG_OBJECT);
    left_out(walk, code->co_qualname, "co_qualname", TAG_OBJECT);
    left_out(walk, code->co_linetable, "co_linetable", TAG_OBJECT);
    for (int i = 0; i < LAYOUT_CODE_CACHED; i++)
        left_out(walk, layout_code_cached(code, i), NULL, TAG_OBJECT);
}

static void
type_left_out(Walk *walk, PyTypeObject *type)
{
    left_out(walk, layout_type_subclasses(walk->settings->interp, located(walk), type),
             "__subclasses__", TAG_OBJECT);
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        left_out(walk, layout_type_dict(type), "__dict__", TAG_NAMESPACE);
        left_out(walk, type->tp_mro, "__mro__", TAG_OBJECT);
        left_out(walk, type->tp_bases, "__bases__", TAG_OBJECT);
        left_out(walk, (PyObject *)type->tp_base, "__base__", TAG_OBJECT);
        return;
    }
    PyHeapTypeObject *heap_type = (PyHeapTypeObject *)type;
    left_out(walk, heap_type->ht_name, "__name__", TAG_OBJECT);
    left_out(walk, heap_type->ht_qualname, "__qualname__", TAG_OBJECT);
    left_out(walk, heap_type->ht_slots, "__slots__", TAG_OBJECT);
    PyDictKeysObject *keys = layout_cached_keys(type);
    if (keys == NULL || !layout_keys_are_strings(keys))
        return;
    Py_ssize_t count = layout_keys_count(keys);
    for (Py_ssize_t i = 0; i < count; i++)
        left_out(walk, layout_keys_name(keys, i), NULL, TAG_OBJECT);
}

/* Parts that the object holds but no traversal visits: they cannot be in a cycle,
 * or the collector does not track the object itself. */
void
parts_left_out(Walk *walk, PyObject *object)
{
    if (Py_TYPE(object) == &PyCode_Type)
        code_left_out(walk, (PyCodeObject *)object);
    else if (PyType_Check(object))
        type_left_out(walk, (PyTypeObject *)object);
    else if (PyGen_CheckExact(object) || PyCoro_CheckExact(object) ||
             PyAsyncGen_CheckExact(object)) {
        left_out(walk, ((PyGenObject *)object)->gi_name, "__name__", TAG_OBJECT);
        left_out(walk, ((PyGenObject *)object)->gi_qualname, "__qualname__", TAG_OBJECT);
    }
    left_out(walk, unvisited_dict(walk, object), "__dict__", TAG_NAMESPACE);
}

/* Reports the references of a frame on a stack. */
void
edges_of_frame(Walk *walk, layout_frame *frame)
{
    PyCodeObject *code = layout_frame_code(frame);
    if (code == NULL)
        return;
    walk->part_count = 0;
    if (sink_has_names(walk))
        frame_parts(walk, frame);
    else {
        left_out(walk, (PyObject *)frame->frame_obj, NULL, TAG_OBJECT);
        left_out(walk, frame->f_locals, NULL, TAG_OBJECT);
        left_out(walk, layout_frame_function(frame), NULL, TAG_OBJECT);
        left_out(walk, (PyObject *)code, NULL, TAG_OBJECT);
    }
    for (int i = 0; i < walk->part_count; i++)
        sink_edge(walk, walk->parts[i].target, walk->parts[i].label, walk->parts[i].tag);
    if (sink_has_names(walk))
        frame_locals(walk, frame, sink_edge);
    left_out(walk, frame->f_globals, "f_globals", TAG_NAMESPACE);
    left_out(walk, frame->f_builtins, "f_builtins", TAG_NAMESPACE);
    Py_ssize_t first = sink_has_names(walk) ? code->co_nlocalsplus : 0;
    Py_ssize_t last = layout_frame_stack_top(frame);
    if (!sink_has_names(walk) && last < code->co_nlocalsplus)
        last = code->co_nlocalsplus;
    for (Py_ssize_t i = first; i < last; i++)
        left_out(walk, layout_frame_value(frame, i), NULL, TAG_OBJECT);
}
