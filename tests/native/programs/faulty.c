/* A type whose traversal misbehaves, but only in a child of the process that
 * made it, so that the collector of that process can visit it safely.
 *
 * For tests of the walker. Built by the tests themselves.
 */
#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    PyObject_HEAD
    char conduct[16];
    PyObject *kept;
} Faulty;

typedef struct {
    volatile int entered;
    volatile int released;
} Gate;

static pid_t home;
static Gate *gate;
/* A page of a file that has been cut off: touching it is SIGBUS. */
static volatile char *beyond;

static void
misbehave(const char *conduct)
{
    if (strcmp(conduct, "fault") == 0)
        *(volatile int *)8 = 1;
    else if (strcmp(conduct, "bus") == 0)
        *beyond = 1;
    else if (strcmp(conduct, "abort") == 0)
        abort();
    else if (strcmp(conduct, "exit") == 0)
        _exit(0);
    else if (strcmp(conduct, "overflow") == 0) {
        char room[1 << 16];
        memset(room, 1, sizeof room);
        misbehave(room[100] == 1 ? "overflow" : room);
        memset(room, 2, sizeof room);
    }
    else if (strcmp(conduct, "loop") == 0)
        for (volatile int forever = 1; forever;)
            ;
    else if (strcmp(conduct, "wait") == 0) {
        struct timespec pause = {0, 1000000};
        gate->entered = 1;
        while (!gate->released)
            nanosleep(&pause, NULL);
    }
}

static int
faulty_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (getpid() != home)
        misbehave(((Faulty *)self)->conduct);
    Py_VISIT(((Faulty *)self)->kept);
    if (getpid() != home && strcmp(((Faulty *)self)->conduct, "late") == 0)
        misbehave("fault");
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static int
faulty_clear(PyObject *self)
{
    Py_CLEAR(((Faulty *)self)->kept);
    return 0;
}

static void
faulty_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    faulty_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *
faulty_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    const char *conduct;
    PyObject *kept = Py_None;
    if (!PyArg_ParseTuple(args, "s|O", &conduct, &kept))
        return NULL;
    Faulty *self = (Faulty *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    strncpy(self->conduct, conduct, sizeof self->conduct - 1);
    self->kept = Py_NewRef(kept);
    return (PyObject *)self;
}

static PyType_Slot faulty_slots[] = {
    {Py_tp_new, faulty_new},
    {Py_tp_traverse, faulty_traverse},
    {Py_tp_clear, faulty_clear},
    {Py_tp_dealloc, faulty_dealloc},
    {0, NULL},
};

static PyType_Spec faulty_spec = {
    .name = "faulty.Faulty",
    .basicsize = sizeof(Faulty),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = faulty_slots,
};

static PyObject *
set_released(PyObject *module, PyObject *value)
{
    gate->released = PyObject_IsTrue(value);
    gate->entered = 0;
    Py_RETURN_NONE;
}

static PyObject *
has_entered(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(gate->entered);
}

static PyMethodDef methods[] = {
    {"set_released", set_released, METH_O, "Let a traversal that waits go on, or not."},
    {"has_entered", has_entered, METH_NOARGS, "Whether a child waits in a traversal."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "faulty",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_faulty(void)
{
    home = getpid();
    gate = mmap(NULL, sizeof *gate, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (gate == MAP_FAILED)
        return PyErr_SetFromErrno(PyExc_OSError);
    int file = memfd_create("faulty", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, 4096) < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    beyond = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (beyond == MAP_FAILED || ftruncate(file, 0) < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    close(file);
    PyObject *module = PyModule_Create(&definition);
    PyObject *type = module == NULL ? NULL : PyType_FromSpec(&faulty_spec);
    if (type == NULL || PyModule_AddObjectRef(module, "Faulty", type) < 0)
        return NULL;
    Py_DECREF(type);
    return module;
}
