/* Where the parts of the interpreter's state stand. Included by layout.h.
 *
 * Patch releases of CPython insert fields before them: _PyRuntime.tracemalloc moved between
 * 3.13.0 and 3.13.18, and the whole state between 3.14.4 and 3.14.5. Inside a part nothing
 * moves, with one exception: in a late 3.13 the generations stand 4 bytes earlier. So a build
 * carries the distances inside each part, and finds the part itself by a value that Python
 * reports. It compares words and follows none, so a wrong guess is harmless.
 */
#ifndef OPS_WALKER_LAYOUT_LOCATED_H
#define OPS_WALKER_LAYOUT_LOCATED_H

/* How far each part may have moved, in bytes. */
#define LOCATE_MOST 4096

/* For each part, bytes between its place and the compiled one. */
typedef struct {
    Py_ssize_t gc;
    Py_ssize_t lists;   /* generations of the collector, which also moved inside its state */
    Py_ssize_t names;   /* sysdict and builtins */
    Py_ssize_t imports; /* modules and what importing keeps */
    Py_ssize_t own;     /* dict, and what follows it */
    Py_ssize_t types;
    Py_ssize_t gil;
    int found; /* whether all were */
} Located;

/* Values that Python reports of this interpreter. Borrowed. */
typedef struct {
    PyObject *garbage;
    PyObject *callbacks;
    int thresholds[2]; /* of the two youngest generations */
    PyObject *sys_dict;
    PyObject *builtins_dict;
    PyObject *modules;
    PyObject *interpreter_dict;
} Anchors;

/* A field of the interpreter's state that stands `moved` bytes from its compiled place. */
#define LAYOUT_FIELD(interp, field, moved)                                                       \
    (*(__typeof__(&(interp)->field))((uintptr_t)&(interp)->field + (uintptr_t)(moved)))

#if LAYOUT_AT_LEAST(12)
#define LAYOUT_MODULES imports.modules
#else
#define LAYOUT_MODULES modules
#endif

/* Whether consecutive words are these. */
static inline int
locate_matches(const void *at, PyObject *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (((PyObject *const *)at)[i] != words[i])
            return 0;
    return 1;
}

/* The nearest place around `compiled` where the words stand, as a distance. Returns 0 if
 * there is none. */
static inline int
locate_words(PyInterpreterState *interp, const void *compiled, PyObject *const *words, int count,
             Py_ssize_t *moved)
{
    const char *first = (const char *)interp, *last = first + sizeof *interp - LOCATE_MOST;
    for (Py_ssize_t away = 0; away <= LOCATE_MOST; away += (Py_ssize_t)sizeof(void *))
        for (int sign = 1; sign >= -1; sign -= 2) {
            const char *at = (const char *)compiled + sign * away;
            if (at >= first && at < last && locate_matches(at, words, count)) {
                *moved = sign * away;
                return 1;
            }
        }
    return 0;
}

/* CPython 3.14.0 to 3.14.4 collect in increments, and name their lists otherwise. */
#if PY_VERSION_HEX >= 0x030e0000 && PY_VERSION_HEX < 0x030e05f0
#define LAYOUT_GENERATIONS gc.young
#else
#define LAYOUT_GENERATIONS gc.generations[0]
#endif

/* How far the generations may stand from their compiled place in the collector's state. */
#define LOCATE_LISTS_MOST 64

/* The two youngest generations have the thresholds that Python reports. */
static inline int
locate_lists(PyInterpreterState *interp, const int *thresholds, Py_ssize_t gc, Py_ssize_t *moved)
{
    const char *compiled = (const char *)&LAYOUT_FIELD(interp, LAYOUT_GENERATIONS, gc);
    for (Py_ssize_t away = 0; away <= LOCATE_LISTS_MOST; away += (Py_ssize_t)sizeof(int))
        for (int sign = 1; sign >= -1; sign -= 2) {
            const char *at = compiled + sign * away + offsetof(struct gc_generation, threshold);
            if (*(const int *)at == thresholds[0] &&
                *(const int *)(at + sizeof(struct gc_generation)) == thresholds[1]) {
                *moved = gc + sign * away;
                return 1;
            }
        }
    return 0;
}

#if LAYOUT_AT_LEAST(13)
#define LAYOUT_BUILTIN_STATE types.builtins.initialized
#else
#define LAYOUT_BUILTIN_STATE types.builtins
#endif
#define LAYOUT_BUILTIN_TYPES(interp) ((interp)->LAYOUT_BUILTIN_STATE)

/* The state of a static type stands at the index that the type keeps. */
static inline int
locate_types(PyInterpreterState *interp, Py_ssize_t *moved)
{
#if LAYOUT_AT_LEAST(12)
    PyTypeObject *known[] = {&PyLong_Type, &PyUnicode_Type, &PyDict_Type};
    for (int i = 0; i < 3; i++) {
        size_t index = (size_t)known[i]->tp_subclasses - 1;
        PyObject *word = (PyObject *)known[i];
        Py_ssize_t here;
        if (index >= sizeof LAYOUT_BUILTIN_TYPES(interp) / sizeof *LAYOUT_BUILTIN_TYPES(interp) ||
            !locate_words(interp, &LAYOUT_BUILTIN_TYPES(interp)[index].type, &word, 1, &here) ||
            (i > 0 && here != *moved))
            return 0;
        *moved = here;
    }
#else
    (void)interp;
    *moved = 0;
#endif
    return 1;
}

#if LAYOUT_AT_LEAST(12)
/* Whether an address is that of a GIL in the state of an interpreter, and the calling thread
 * holds that GIL. Follows the address only if it lies in the state. */
static inline int
locate_is_held(const PyInterpreterState *interp, const struct _gil_runtime_state *gil)
{
    uintptr_t first = (uintptr_t)interp, last = first + sizeof *interp - LOCATE_MOST;
    if ((uintptr_t)gil < first || (uintptr_t)gil >= last || (uintptr_t)gil % sizeof(void *) != 0)
        return 0;
#if LAYOUT_AT_LEAST(13)
    const void *holder = gil->last_holder;
    int locked = gil->locked;
#else
    const void *holder = (const void *)gil->last_holder._value;
    int locked = gil->locked._value;
#endif
    return locked == 1 && holder == PyThreadState_Get();
}
#endif

/* The pointer to the GIL, which lies in the state of the main interpreter or in the own one.
 * Before 3.12 all interpreters share one. */
static inline int
locate_gil(PyInterpreterState *interp, Py_ssize_t *moved)
{
    *moved = 0;
#if LAYOUT_AT_LEAST(12)
    const char *first = (const char *)interp, *last = first + sizeof *interp - LOCATE_MOST;
    for (Py_ssize_t away = 0; away <= LOCATE_MOST; away += (Py_ssize_t)sizeof(void *))
        for (int sign = 1; sign >= -1; sign -= 2) {
            const char *at = (const char *)&interp->ceval.gil + sign * away;
            if (at < first || at >= last)
                continue;
            const struct _gil_runtime_state *gil = *(struct _gil_runtime_state *const *)at;
            if (locate_is_held(interp, gil) || locate_is_held(PyInterpreterState_Main(), gil)) {
                *moved = sign * away;
                return 1;
            }
        }
    return 0;
#else
    (void)interp;
    return 1;
#endif
}

static inline Located
layout_locate(PyInterpreterState *interp, const Anchors *anchors)
{
    Located at = {0};
    PyObject *collector[] = {anchors->garbage, anchors->callbacks};
    PyObject *names[] = {anchors->sys_dict, anchors->builtins_dict};
    at.found =
        anchors->interpreter_dict != NULL &&
        (locate_words(interp, &interp->gc.garbage, collector, 2, &at.gc) ||
         /* The application may have bound one of the names in gc to another list. */
         locate_words(interp, &interp->gc.callbacks, collector + 1, 1, &at.gc) ||
         locate_words(interp, &interp->gc.garbage, collector, 1, &at.gc)) &&
        locate_lists(interp, anchors->thresholds, at.gc, &at.lists) &&
        locate_words(interp, &interp->sysdict, names, 2, &at.names) &&
        locate_words(interp, &interp->LAYOUT_MODULES, &anchors->modules, 1, &at.imports) &&
        locate_words(interp, &interp->dict, &anchors->interpreter_dict, 1, &at.own) &&
        locate_types(interp, &at.types) && locate_gil(interp, &at.gil);
    return at;
}

#endif
