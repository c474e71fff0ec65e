/* Checks that the compiled layout fits the running interpreter.
 *
 * Layouts change between patch releases, and a distribution may update the
 * interpreter under a compiled module. So a child reads objects that the parent
 * planted, through the same functions as a walk. It compares the results with the
 * values that Python reports. A wrong layout faults or differs in the child, and
 * harms nobody.
 */
#include "proof.h"

#include "gc_lists.h"
#include "sizes.h"
#include "walk.h"

#include <string.h>

#define LIST_STEPS_MAX 100000000u

typedef struct {
    const char *name;
    int (*holds)(Walk *walk, PyObject **planted);
} Step;

static int
is_named(PyObject *text, const char *wanted)
{
    if (text == NULL || !PyUnicode_Check(text) || !PyUnicode_IS_COMPACT_ASCII(text))
        return 0;
    size_t length = strlen(wanted);
    return (size_t)((PyASCIIObject *)text)->length == length &&
           memcmp((PyASCIIObject *)text + 1, wanted, length) == 0;
}

static int
gc_lists_hold(Walk *walk, PyObject **planted)
{
    int found = 0;
    for (int number = 0; number < LAYOUT_GC_LISTS; number++) {
        PyGC_Head *head = layout_gc_list(walk->settings->interp, located(walk), number);
        PyGC_Head *previous = head;
        PyGC_Head *node = layout_gc_next(head);
        for (uint32_t steps = 0; node != head; steps++) {
            if (node == NULL || steps > LIST_STEPS_MAX || layout_gc_previous(node) != previous)
                return 0;
            if (layout_gc_object(node) == planted[PLANT_TRACKED])
                found = 1;
            previous = node;
            node = layout_gc_next(node);
            /* The oldest list may be long, and its head is proved by now. But a
             * collection in another thread may have moved the planted list here. */
            if (number == NUM_GENERATIONS - 1 && steps > 1000 && found)
                break;
        }
        /* A collection in another thread may have moved the planted list to the end
         * of this list: search backwards from there. */
        if (number == NUM_GENERATIONS - 1 && node != head) {
            node = layout_gc_previous(head);
            for (uint32_t steps = 0; !found && node != head && steps < LIST_STEPS_MAX; steps++) {
                found = layout_gc_object(node) == planted[PLANT_TRACKED];
                node = layout_gc_previous(node);
            }
        }
    }
    return found && layout_is_tracked(planted[PLANT_TRACKED]);
}

static int
callbacks_hold(Walk *walk, PyObject **planted)
{
    return LAYOUT_FIELD(walk->settings->interp, gc.callbacks, located(walk)->gc) ==
           planted[PLANT_CALLBACKS];
}

/* The interpreter's own functions are the witnesses. Another thread may have been changing the
 * list during the clone; then only the own interpreter and its GIL are compared. */
static int
interpreters_hold(Walk *walk, PyObject **planted)
{
    (void)planted;
    const Interpreters *all = &walk->interpreters;
    int own = 0;
    for (int i = 0; i < all->count; i++) {
        const Interpreter *each = &all->list[i];
        PyInterpreterState *next = i + 1 < all->count ? all->list[i + 1].state : NULL;
        if (each->state == walk->settings->interp)
            own = each->gil == GIL_SHARED && layout_gil_is_held(each->state, located(walk));
        if ((all->whole && PyInterpreterState_Next(each->state) != next) ||
            PyInterpreterState_GetID(each->state) != each->id)
            return 0;
    }
    return own;
}

/* A part of the interpreter is a module, a container, a function, or missing. Another type
 * shows that the field stands elsewhere. */
static int
may_be_part(PyObject *part)
{
    if (part == NULL || part == Py_None || PyDict_Check(part) || PyList_Check(part))
        return 1;
    return PyModule_Check(part) || PyCallable_Check(part) || PyAnySet_Check(part);
}

static int
interpreter_holds(Walk *walk, PyObject **planted)
{
    (void)planted;
    PyInterpreterState *interp = walk->settings->interp;
    const Located *at = located(walk);
    if (!at->found || layout_atexit_count(interp, at) != walk->settings->atexit_count)
        return 0;
    for (int i = 0; i < LAYOUT_INTERPRETER_PARTS; i++) {
        const char *name;
        if (!may_be_part(layout_interpreter_part(interp, at, i, &name)))
            return 0;
    }
    return 1;
}

static int
frozen_holds(Walk *walk, PyObject **planted)
{
    PyGC_Head *head = layout_gc_list(walk->settings->interp, located(walk), LAYOUT_GC_LISTS - 1);
    long frozen = (long)layout_int_digits(planted[PLANT_FROZEN]);
    int any = layout_gc_next(head) != head;
    return any == (frozen != 0);
}

static PyObject *
local_of(layout_frame *frame, const char *name)
{
    PyCodeObject *code = layout_frame_code(frame);
    if (code == NULL)
        return NULL;
    PyObject *names = code->co_localsplusnames;
    if (!PyTuple_Check(names) || ((PyVarObject *)names)->ob_size != code->co_nlocalsplus)
        return NULL;
    for (Py_ssize_t i = 0; i < code->co_nlocalsplus; i++)
        if (is_named(((PyTupleObject *)names)->ob_item[i], name))
            return layout_frame_value(frame, i);
    return NULL;
}

static int
frame_holds(Walk *walk, PyObject **planted)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(walk->settings->interp);
    for (; thread != NULL; thread = PyThreadState_Next(thread)) {
        layout_frame *frame = layout_current_frame(thread);
        for (int depth = 0; frame != NULL && depth < 10000; depth++, frame = frame->previous)
            if ((PyObject *)layout_frame_code(frame) == planted[PLANT_CODE])
                return local_of(frame, "planted_local") == planted[PLANT_LOCAL];
    }
    return 0;
}

static int
generator_holds(Walk *walk, PyObject **planted)
{
    (void)walk;
    layout_frame *frame = layout_generator_frame(planted[PLANT_GENERATOR]);
    return frame != NULL && local_of(frame, "planted_local") == planted[PLANT_LOCAL];
}

static int
inline_values_hold(Walk *walk, PyObject **planted)
{
    (void)walk;
    PyObject *object = planted[PLANT_INSTANCE];
    PyObject **values = layout_inline_values(object, Py_TYPE(object));
    PyDictKeysObject *keys = layout_cached_keys(Py_TYPE(object));
    if (values == NULL || keys == NULL || !layout_keys_are_strings(keys) || layout_keys_count(keys) < 2)
        return 0;
    return is_named(layout_keys_name(keys, 0), "first") && values[0] == planted[PLANT_FIRST] &&
           is_named(layout_keys_name(keys, 1), "second") && values[1] == planted[PLANT_SECOND];
}

static int
has_entry(PyDictObject *dict, PyObject *wanted_key, PyObject *wanted_value)
{
    for (Py_ssize_t i = 0; i < layout_keys_count(dict->ma_keys); i++) {
        PyObject *key, *value;
        layout_dict_entry(dict, i, &key, &value);
        if (key == wanted_key && value == wanted_value)
            return 1;
    }
    return 0;
}

static int
dict_has(PyObject *object, PyObject *wanted_key, PyObject *wanted_value)
{
    return object != NULL && PyDict_Check(object) &&
           has_entry((PyDictObject *)object, wanted_key, wanted_value);
}

static int
instance_dict_holds(Walk *walk, PyObject **planted)
{
    (void)walk;
    PyObject *dict = layout_managed_dict(planted[PLANT_DICTED]);
    if (dict == NULL || !PyDict_Check(dict))
        return 0;
    PyObject *key, *value;
    layout_dict_entry((PyDictObject *)dict, 0, &key, &value);
    return is_named(key, "first") && value == planted[PLANT_FIRST];
}

static int
dicts_hold(Walk *walk, PyObject **planted)
{
    (void)walk;
    return dict_has(planted[PLANT_STRING_DICT], planted[PLANT_KEY], planted[PLANT_VALUE]) &&
           layout_keys_are_strings(((PyDictObject *)planted[PLANT_STRING_DICT])->ma_keys) &&
           dict_has(planted[PLANT_GENERAL_DICT], planted[PLANT_KEY], planted[PLANT_VALUE]) &&
           !layout_keys_are_strings(((PyDictObject *)planted[PLANT_GENERAL_DICT])->ma_keys);
}

static int
frozen_dict_holds(Walk *walk, PyObject **planted)
{
    PyObject *object = planted[PLANT_FROZEN_DICT];
    if (object == Py_None)
        return 1;
    return type_entry(walk, Py_TYPE(object))->shape == SHAPE_DICT &&
           has_entry((PyDictObject *)object, planted[PLANT_KEY], planted[PLANT_VALUE]);
}

static int
running_loop_holds(Walk *walk, PyObject **planted)
{
    if (planted[PLANT_RUNNING_LOOP] == Py_None)
        return 1;
    PyThreadState *thread = PyInterpreterState_ThreadHead(walk->settings->interp);
    for (; thread != NULL; thread = PyThreadState_Next(thread))
        for (int i = 0; i < LAYOUT_THREAD_PARTS; i++) {
            const char *name;
            if (layout_thread_part(thread, i, &name) == planted[PLANT_RUNNING_LOOP])
                return strcmp(name, "running_loop") == 0;
        }
    return 0;
}

static int
type_dict_holds(Walk *walk, PyObject **planted)
{
    (void)walk;
    PyTypeObject *type = (PyTypeObject *)planted[PLANT_CLASS_DICT_HAS];
    return dict_has(layout_type_dict(type), planted[PLANT_KEY], planted[PLANT_VALUE]) &&
           layout_type_dict(&PyLong_Type) != NULL && PyDict_Check(layout_type_dict(&PyLong_Type));
}

static int
list_holds(Walk *walk, PyObject **planted)
{
    (void)walk;
    PyListObject *list = (PyListObject *)planted[PLANT_LIST];
    return ((PyVarObject *)list)->ob_size == 1 && list->ob_item[0] == planted[PLANT_ITEM];
}

static int
slot_holds(Walk *walk, PyObject **planted)
{
    PyObject *object = planted[PLANT_SLOTTED];
    TypeEntry *entry = type_entry(walk, Py_TYPE(object));
    return entry->slot_count == 1 && entry->shape == SHAPE_INSTANCE &&
           *(PyObject **)((char *)object + entry->slots[0].offset) == planted[PLANT_VALUE];
}

static int
function_holds(Walk *walk, PyObject **planted)
{
    (void)walk;
    PyFunctionObject *function = (PyFunctionObject *)planted[PLANT_FUNCTION];
    return function->func_code == planted[PLANT_FUNCTION_CODE];
}

static int
sizes_hold(Walk *walk, PyObject **planted)
{
    PyTupleObject *pairs = (PyTupleObject *)planted[PLANT_SIZES];
    for (Py_ssize_t i = 0; i < ((PyVarObject *)pairs)->ob_size; i++) {
        PyTupleObject *pair = (PyTupleObject *)pairs->ob_item[i];
        PyObject *object = pair->ob_item[0];
        PyLongObject *expected = (PyLongObject *)pair->ob_item[1];
        if (layout_int_digits((PyObject *)expected) != 1)
            return 0;
#if LAYOUT_AT_LEAST(12)
        size_t size = expected->long_value.ob_digit[0];
#else
        size_t size = expected->ob_digit[0];
#endif
        if (size_of(walk->settings, object, type_entry(walk, Py_TYPE(object))).counted != size) {
            walk->shared->error_number = (uint32_t)i;
            return 0;
        }
    }
    return 1;
}

/* From 3.13 on CPython publishes offsets of its structures, for profilers: a second witness. */
static int
published_offsets_hold(Walk *walk, PyObject **planted)
{
    (void)planted;
    return layout_published_holds(located(walk));
}

static const Step steps[] = {
    {"the state of the interpreter", interpreter_holds},
    {"the interpreters and their GIL", interpreters_hold},
    {"the offsets that CPython publishes", published_offsets_hold},
    {"the lists of the garbage collector", gc_lists_hold},
    {"gc.callbacks", callbacks_hold},
    {"frozen objects", frozen_holds},
    {"the locals of a running function", frame_holds},
    {"the locals of a suspended generator", generator_holds},
    {"the attributes of an instance", inline_values_hold},
    {"the __dict__ of an instance", instance_dict_holds},
    {"the entries of a dict", dicts_hold},
    {"the entries of a frozendict", frozen_dict_holds},
    {"the running loop of a thread", running_loop_holds},
    {"the namespace of a class", type_dict_holds},
    {"the items of a list", list_holds},
    {"the slots of an instance", slot_holds},
    {"the parts of a function", function_holds},
    {"the sizes of objects", sizes_hold},
};

int
proof_run(Walk *walk)
{
    PyTupleObject *plants = (PyTupleObject *)walk->settings->proof;
    if (((PyVarObject *)plants)->ob_size != PLANT_COUNT)
        return 1;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        walk->shared->proof_step = i + 1;
        if (!steps[i].holds(walk, plants->ob_item))
            return (int)i + 1;
    }
    return 0;
}

const char *
proof_step_name(int step)
{
    if (step < 1 || (size_t)step > sizeof steps / sizeof *steps)
        return "";
    return steps[step - 1].name;
}
