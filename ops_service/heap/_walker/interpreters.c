/* Finds the interpreters of the process, and which of them share the GIL of this one.
 *
 * An interpreter with its own GIL can create and end others at any time, and an ending one
 * has given up the GIL before it leaves the list. So the list may change while it is read,
 * and a clone may copy a half-changed one. Nothing is read through a pointer from the list:
 * the kernel copies it through a pipe, and refuses an address that is not readable.
 */
#include "interpreters.h"

#include <fcntl.h>
#include <unistd.h>

#define TRIES 5

/* Copies up to a page. Returns 0 if the address is not readable. */
static int
copy_from(const int ends[2], const void *from, void *to, size_t size)
{
    ssize_t written = write(ends[1], from, size);
    if (written <= 0)
        return 0;
    /* A part of it may be readable: empty the pipe in any case. */
    return read(ends[0], to, (size_t)written) == (ssize_t)size;
}

static GilKind
gil_kind(const int ends[2], PyInterpreterState *state, const void *own, const Located *at)
{
    void *const *place = layout_gil(state, at);
    void *gil = NULL;
    if (place == NULL)
        return GIL_SHARED;
    if (!copy_from(ends, place, &gil, sizeof gil) || gil == NULL)
        return GIL_NONE;
    return gil == own ? GIL_SHARED : GIL_OWN;
}

static void
read_list(Interpreters *to, const int ends[2], const void *own_gil, const Located *at)
{
    PyInterpreterState *state = PyInterpreterState_Head();
    while (state != NULL && to->count < INTERPRETERS_MAX) {
        Interpreter *each = &to->list[to->count];
        PyInterpreterState *next;
        if (!copy_from(ends, &state->next, &next, sizeof next) ||
            !copy_from(ends, &state->id, &each->id, sizeof each->id))
            return;
        each->state = state;
        each->gil = gil_kind(ends, state, own_gil, at);
        to->count++;
        /* The main interpreter is the first to come and the last to go. */
        to->whole = next == NULL && state == PyInterpreterState_Main();
        state = next;
    }
    to->whole = to->whole && state == NULL;
}

/* Adds an interpreter that lives for certain, if the list has lost it. */
static void
add_lost(Interpreters *to, PyInterpreterState *state, GilKind gil)
{
    for (int i = 0; i < to->count; i++)
        if (to->list[i].state == state)
            return;
    to->whole = 0;
    if (to->count < INTERPRETERS_MAX)
        to->list[to->count++] = (Interpreter){state, PyInterpreterState_GetID(state), gil};
}

void
interpreters_read(Interpreters *to, PyInterpreterState *own, const Located *at)
{
    int ends[2];
    to->count = to->whole = 0;
    void *const *place = layout_gil(own, at);
    void *own_gil = place != NULL ? *place : NULL;
    GilKind main_gil = GIL_NONE;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
        read_list(to, ends, own_gil, at);
        main_gil = gil_kind(ends, PyInterpreterState_Main(), own_gil, at);
        close(ends[0]);
        close(ends[1]);
    }
    add_lost(to, own, GIL_SHARED);
    add_lost(to, PyInterpreterState_Main(), main_gil);
}

size_t
interpreter_name(const Interpreter *interpreter, char *to)
{
    char digits[INTERPRETER_NAME_ROOM];
    size_t count = 0;
    uint64_t rest = (uint64_t)interpreter->id;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    for (size_t i = 0; i < count; i++)
        to[i] = digits[count - 1 - i];
    return count;
}

PyObject *
interpreters_count(const Located *at)
{
    PyInterpreterState *own = PyInterpreterState_Get();
    Interpreters *found = PyMem_Malloc(sizeof *found);
    if (found == NULL)
        return PyErr_NoMemory();
    int count = 0, others = 0;
    for (int tries = 0; tries < TRIES; tries++) {
        interpreters_read(found, own, at);
        if (found->whole)
            break;
    }
    for (; count < found->count; count++)
        others += found->list[count].gil == GIL_OWN;
    int whole = found->whole;
    PyMem_Free(found);
    if (!whole)
        Py_RETURN_NONE;
    return Py_BuildValue("(Lii)", (long long)PyInterpreterState_GetID(own), count, others);
}
