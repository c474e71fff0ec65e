/* The parent's handle of a child: signals it, waits for it, reads its report. */
#include "child_handle.h"

#include "proof.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#define BY_PIDFD 3 /* P_PIDFD of waitid */

static void
child_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Child *child = (Child *)self;
    if (child->shared != NULL)
        munmap(child->shared, sizeof(Shared));
    if (child->pidfd >= 0)
        close(child->pidfd);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
child_report(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    Shared *shared = ((Child *)self)->shared;
    uint32_t opaque = shared->opaque_count;
    if (opaque > OPAQUE_MAX + 1)
        opaque = OPAQUE_MAX + 1;
    PyObject *names = PyTuple_New(opaque);
    if (names == NULL)
        return NULL;
    for (uint32_t i = 0; i < opaque; i++) {
        char text[TYPE_NAME_ROOM];
        size_t length = 0;
        while (length < TYPE_NAME_ROOM - 1 && shared->opaque[i][length] != 0) {
            text[length] = shared->opaque[i][length];
            length++;
        }
        PyObject *name = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "replace");
        if (name == NULL) {
            Py_DECREF(names);
            return NULL;
        }
        PyTuple_SET_ITEM(names, i, name);
    }
    const char *step = proof_step_name((int)shared->proof_step);
    const volatile uint64_t *left_out = shared->left_out;
    return Py_BuildValue(
        "{s:I,s:I,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:O,s:s,s:I,s:K,s:N,s:(KKKKK),s:(IIII)}",
        "status", (unsigned)__atomic_load_n(&shared->status, __ATOMIC_ACQUIRE),
        "error_number", (unsigned)shared->error_number,
        "objects", (unsigned long long)shared->objects,
        "edges", (unsigned long long)shared->edges,
        "types", (unsigned long long)shared->types,
        "names", (unsigned long long)shared->names,
        "total_size", (unsigned long long)shared->total_size,
        "mapped_peak", (unsigned long long)shared->mapped_peak,
        "unstable_ids", (unsigned long long)shared->unstable_ids,
        "unnamed_past_bound", (unsigned long long)shared->unnamed_past_bound,
        "sites_read", (unsigned long long)shared->sites_read,
        "hashes_made", (unsigned long long)shared->hashes_made,
        "left_out_objects", (unsigned long long)shared->left_out_objects,
        "left_out_edges", (unsigned long long)shared->left_out_edges,
        "copied", (unsigned long long)shared->copied,
        "copied_known", shared->copied_known ? Py_True : Py_False,
        "proof_step", step,
        "fault_phase", (unsigned)shared->fault_phase,
        "fault_address", (unsigned long long)shared->fault_address,
        "opaque", names,
        "left_out",
        (unsigned long long)left_out[LEFT_OUT_THREADS],
        (unsigned long long)left_out[LEFT_OUT_FRAMES],
        (unsigned long long)left_out[LEFT_OUT_CALLBACKS],
        (unsigned long long)left_out[LEFT_OUT_PART_NAMES],
        (unsigned long long)left_out[LEFT_OUT_SITES],
        "others", (unsigned)shared->others_read, (unsigned)shared->others_own_gil,
        (unsigned)shared->others_unready, (unsigned)shared->others_unknown);
}

static PyObject *
child_spend(PyObject *self, PyObject *seconds)
{
    double spent = PyFloat_AsDouble(seconds);
    if (spent == -1.0 && PyErr_Occurred())
        return NULL;
    ((Child *)self)->shared->spent_microseconds = spent > 0 ? (uint64_t)(spent * 1e6) : 0;
    Py_RETURN_NONE;
}

static PyObject *
child_kill(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    Child *child = (Child *)self;
    /* A host that waits for every child may have freed the pid, and another process
     * may use it now. A pidfd always means this child. */
    if (child->pidfd < 0)
        kill((pid_t)child->pid, SIGKILL);
    else
        syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0u);
    Py_RETURN_NONE;
}

static double
seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static PyObject *
child_wait(PyObject *self, PyObject *block)
{
    Child *child = (Child *)self;
    int by_pidfd = child->pidfd >= 0;
    int options = WEXITED | __WALL | (PyObject_IsTrue(block) ? 0 : WNOHANG);
    for (;;) {
        siginfo_t info = {0};
        struct rusage usage = {0};
        long result;
        Py_BEGIN_ALLOW_THREADS
        /* The system call itself: the C library's function does not return the
         * usage. */
        result = syscall(SYS_waitid, by_pidfd ? BY_PIDFD : P_PID, by_pidfd ? child->pidfd : child->pid,
                         &info, options, &usage);
        Py_END_ALLOW_THREADS
        if (result == 0 && info.si_pid == 0)
            Py_RETURN_NONE;
        if (result == 0)
            return Py_BuildValue("(id)", info.si_code == CLD_EXITED ? 0 : info.si_status,
                                 seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
        if (errno == EINVAL && by_pidfd)
            /* Linux before 5.4 cannot wait for a pidfd. */
            by_pidfd = 0;
        else if (errno != EINTR)
            return PyErr_SetFromErrno(PyExc_OSError);
        else if (PyErr_CheckSignals() < 0)
            return NULL;
    }
}

static PyObject *
child_close(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    Child *child = (Child *)self;
    if (child->pidfd >= 0)
        close(child->pidfd);
    child->pidfd = -1;
    Py_RETURN_NONE;
}

static PyMethodDef child_methods[] = {
    {"kill", child_kill, METH_NOARGS, "End the child, if it has not ended."},
    {"wait", child_wait, METH_O,
     "Reap the child, and return the signal that ended it and its CPU seconds. None while it "
     "runs, unless told to block."},
    {"close", child_close, METH_NOARGS, "Give the descriptor back. For when it is reaped."},
    {"spend", child_spend, METH_O,
     "Tell the child how many CPU seconds its output has cost the process so far."},
    {"report", child_report, METH_NOARGS, "The figures that the child left, as a dict."},
    {NULL, NULL, 0, NULL},
};

static PyObject *
child_get_pid(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(((Child *)self)->pid);
}

static PyObject *
child_get_pidfd(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(((Child *)self)->pidfd);
}

static PyObject *
child_get_pause(PyObject *self, void *Py_UNUSED(closure))
{
    return PyFloat_FromDouble(((Child *)self)->pause);
}

static PyGetSetDef child_getset[] = {
    {"pid", child_get_pid, NULL, "Process id of the child.", NULL},
    {"pidfd", child_get_pidfd, NULL, "Readable once it has ended; -1 where the system has none.",
     NULL},
    {"pause", child_get_pause, NULL, "Seconds that the GIL was held for the clone.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot child_slots[] = {
    {Py_tp_dealloc, child_dealloc},
    {Py_tp_methods, child_methods},
    {Py_tp_getset, child_getset},
    {0, NULL},
};

PyType_Spec child_spec = {
    .name = "ops_service.heap._walker.Child",
    .basicsize = sizeof(Child),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = child_slots,
};
