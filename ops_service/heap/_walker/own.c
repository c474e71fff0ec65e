/* Finds objects of ops_service that its roots do not reach: objects that C code holds
 * during a call, and garbage of finished calls. Their references identify them, because
 * no object of the application refers to the parts of ops_service.
 */
#include "own.h"

#include "walk.h"

void
own_note(Walk *walk, PyObject *object)
{
    visited_mark(walk, &walk->visited, object, 1);
}

/* Modules, threads and other objects that the application may hold too. */
static int
is_known_to_all(const Walk *walk, const PyObject *object)
{
    for (int i = 0; i < walk->settings->own_count; i++)
        if (walk->settings->own[i] == object)
            return 1;
    return 0;
}

static int
visit_own(PyObject *target, void *argument)
{
    Walk *walk = argument;
    /* Strings, types and the like may belong to anybody. */
    if (target == NULL || !visited_is_marked(walk, &walk->visited, target) ||
        PyType_Check(target) || !layout_is_gc(target) || !layout_is_tracked(target))
        return 0;
    return walk->reading->type == &PyMethod_Type || !is_known_to_all(walk, target);
}

int
own_leads_from(Walk *walk, PyObject *object)
{
    TypeEntry *entry = type_entry(walk, Py_TYPE(object));
    if (entry->opaque || entry->type->tp_traverse == NULL)
        return 0;
    if (sigsetjmp(walk->resume, 0) != 0) {
        phase_is(walk, PHASE_NONE);
        return 0;
    }
    reading_is(walk, entry);
    phase_is(walk, PHASE_MARK);
    int found = entry->type->tp_traverse(object, visit_own, walk);
    phase_is(walk, PHASE_NONE);
    return found != 0;
}
