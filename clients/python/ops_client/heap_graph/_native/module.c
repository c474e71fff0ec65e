/* The Python module: takes arrays through the buffer protocol, and writes results
 * into arrays of the caller. It does not use NumPy's own interface, so one build
 * works with every NumPy.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "native.h"

/* ---- Arguments -------------------------------------------------------------- */

enum access { READ, WRITE };

struct array {
    Py_buffer view;
    size_t length;
};

static int
array_open(struct array *array, PyObject *object, const char *name, size_t item_size,
           enum access access)
{
    const int flags = access == WRITE ? PyBUF_CONTIG : PyBUF_CONTIG_RO;
    if (PyObject_GetBuffer(object, &array->view, flags) != 0) {
        array->view.obj = NULL;
        return -1;
    }
    if (array->view.itemsize != (Py_ssize_t)item_size && array->view.len != 0) {
        PyErr_Format(PyExc_TypeError, "%s must have entries of %zu bytes, not %zd", name,
                     item_size, array->view.itemsize);
        return -1;
    }
    array->length = (size_t)array->view.len / item_size;
    return 0;
}

static void
arrays_close(struct array *arrays, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (arrays[i].view.obj != NULL) {
            PyBuffer_Release(&arrays[i].view);
        }
    }
}

static int
refuse(const char *text)
{
    PyErr_SetString(PyExc_ValueError, text);
    return -1;
}

static bool
all_below(const uint32_t *values, size_t count, size_t limit)
{
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        most = values[i] > most ? values[i] : most;
    }
    return count == 0 || most < limit;
}

/* Parse three arrays as a graph, and check everything that a walk relies on. */
static int
graph_open(struct graph *graph, const struct array *starts, const struct array *targets,
           const struct array *kinds)
{
    if (starts->length == 0 || targets->length != kinds->length) {
        return refuse("the columns of a graph differ in length");
    }
    *graph = (struct graph){
        .object_count = starts->length - 1,
        .edge_count = targets->length,
        .edge_starts = starts->view.buf,
        .edge_targets = targets->view.buf,
        .edge_kinds = kinds->view.buf,
    };
    /* The two highest numbers are reserved. */
    if (graph->object_count >= UINT32_MAX - 2 || graph->edge_count >= UINT32_MAX - 2) {
        return refuse("a graph has more than 4294967292 objects or edges");
    }
    bool ascends = graph->edge_starts[0] == 0
                   && graph->edge_starts[graph->object_count] == (int64_t)graph->edge_count;
    for (size_t i = 0; i < graph->object_count; i++) {
        ascends &= graph->edge_starts[i] <= graph->edge_starts[i + 1];
    }
    if (!ascends) {
        return refuse("the edges of a graph do not begin where those before them end");
    }
    if (!all_below(graph->edge_targets, graph->edge_count, graph->object_count)) {
        return refuse("an edge leads to an object that is not there");
    }
    return 0;
}

/* ---- Without the GIL ---------------------------------------------------------- */

static bool
interrupted(void *state)
{
    PyThreadState **released = state;
    PyEval_RestoreThread(*released);
    const bool raised = PyErr_CheckSignals() != 0;
    *released = PyEval_SaveThread();
    return raised;
}

static PyObject *
result_of(enum outcome outcome)
{
    if (outcome == NO_MEMORY) {
        return PyErr_NoMemory();
    }
    if (outcome == INTERRUPTED) {
        return NULL;
    }
    if (outcome == NO_TREE) {
        refuse("dominators and order are no tree");
        return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- Functions ------------------------------------------------------------------ */

static PyObject *
native_dominate(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    static const char *names[] = {"edge_starts", "edge_targets", "edge_kinds",
                                  "roots",       "dominators",   "order"};
    static const size_t sizes[] = {8, 4, 1, 4, 4, 4};
    PyObject *objects[6];
    struct array arrays[6] = {0};
    struct graph graph;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(arguments, "OOOOOO", &objects[0], &objects[1], &objects[2],
                          &objects[3], &objects[4], &objects[5])) {
        return NULL;
    }
    for (size_t i = 0; i < 6; i++) {
        if (array_open(&arrays[i], objects[i], names[i], sizes[i], i < 4 ? READ : WRITE) != 0) {
            goto close;
        }
    }
    if (graph_open(&graph, &arrays[0], &arrays[1], &arrays[2]) != 0) {
        goto close;
    }
    if (arrays[4].length != graph.object_count || arrays[5].length != graph.object_count
        || !all_below(arrays[3].view.buf, arrays[3].length, graph.object_count)) {
        refuse("roots or results do not fit the graph");
        goto close;
    }
    PyThreadState *released = PyEval_SaveThread();
    const struct stop stop = {interrupted, &released};
    const enum outcome outcome = dominate(&graph, arrays[3].view.buf, arrays[3].length,
                                          arrays[4].view.buf, arrays[5].view.buf, &stop);
    PyEval_RestoreThread(released);
    result = result_of(outcome);
close:
    arrays_close(arrays, 6);
    return result;
}

/* Whether two arrays can be a dominator tree and its order. Only checks the bounds. */
static int
check_tree(const struct array *dominators, const struct array *order)
{
    const size_t count = dominators->length;
    if (order->length != count || count >= UINT32_MAX
        || !all_below(dominators->view.buf, count, count + 1)
        || !all_below(order->view.buf, count, count)) {
        return refuse("dominators and order do not fit each other");
    }
    return 0;
}

static PyObject *
native_retain(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *objects[3];
    struct array arrays[3] = {0};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(arguments, "OOO", &objects[0], &objects[1], &objects[2])) {
        return NULL;
    }
    if (array_open(&arrays[0], objects[0], "dominators", 4, READ) != 0
        || array_open(&arrays[1], objects[1], "order", 4, READ) != 0
        || array_open(&arrays[2], objects[2], "sizes", 8, WRITE) != 0
        || check_tree(&arrays[0], &arrays[1]) != 0) {
        goto close;
    }
    if (arrays[2].length != arrays[0].length) {
        refuse("sizes do not fit the dominators");
        goto close;
    }
    Py_BEGIN_ALLOW_THREADS
    retain(arrays[0].length, arrays[0].view.buf, arrays[1].view.buf, arrays[2].view.buf);
    Py_END_ALLOW_THREADS
    result = Py_NewRef(Py_None);
close:
    arrays_close(arrays, 3);
    return result;
}

static PyObject *
native_retain_by_type(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    static const char *names[] = {"dominators", "order", "retained", "types", "sums"};
    static const size_t sizes[] = {4, 4, 8, 4, 8};
    PyObject *objects[5];
    struct array arrays[5] = {0};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(arguments, "OOOOO", &objects[0], &objects[1], &objects[2],
                          &objects[3], &objects[4])) {
        return NULL;
    }
    for (size_t i = 0; i < 5; i++) {
        if (array_open(&arrays[i], objects[i], names[i], sizes[i], i < 4 ? READ : WRITE) != 0) {
            goto close;
        }
    }
    if (check_tree(&arrays[0], &arrays[1]) != 0) {
        goto close;
    }
    const size_t count = arrays[0].length;
    if (arrays[2].length != count || arrays[3].length != count
        || !all_below(arrays[3].view.buf, count, arrays[4].length)) {
        refuse("sizes or types do not fit the dominators");
        goto close;
    }
    PyThreadState *released = PyEval_SaveThread();
    const struct stop stop = {interrupted, &released};
    const enum outcome outcome =
        retain_by_type(count, arrays[0].view.buf, arrays[1].view.buf, arrays[2].view.buf,
                       arrays[3].view.buf, arrays[4].length, arrays[4].view.buf, &stop);
    PyEval_RestoreThread(released);
    result = result_of(outcome);
close:
    arrays_close(arrays, 5);
    return result;
}

static PyObject *
native_find_paths(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    static const char *names[] = {"edge_starts", "edge_targets", "edge_kinds",
                                  "roots",       "group_ends",   "parent_edges"};
    static const size_t sizes[] = {8, 4, 1, 4, 8, 4};
    PyObject *objects[6];
    struct array arrays[6] = {0};
    struct graph graph;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(arguments, "OOOOOO", &objects[0], &objects[1], &objects[2],
                          &objects[3], &objects[4], &objects[5])) {
        return NULL;
    }
    for (size_t i = 0; i < 6; i++) {
        if (array_open(&arrays[i], objects[i], names[i], sizes[i], i < 5 ? READ : WRITE) != 0) {
            goto close;
        }
    }
    if (graph_open(&graph, &arrays[0], &arrays[1], &arrays[2]) != 0) {
        goto close;
    }
    const uint64_t *ends = arrays[4].view.buf;
    bool fits = arrays[5].length == graph.object_count
                && all_below(arrays[3].view.buf, arrays[3].length, graph.object_count);
    for (size_t i = 0; i < arrays[4].length; i++) {
        fits &= ends[i] <= arrays[3].length;
    }
    if (!fits) {
        refuse("roots or results do not fit the graph");
        goto close;
    }
    PyThreadState *released = PyEval_SaveThread();
    const struct stop stop = {interrupted, &released};
    const enum outcome outcome = find_paths(&graph, arrays[3].view.buf, ends, arrays[4].length,
                                            arrays[5].view.buf, &stop);
    PyEval_RestoreThread(released);
    result = result_of(outcome);
close:
    arrays_close(arrays, 6);
    return result;
}

/* Number of values in a column; -1 with an exception set if it is malformed. */
static int64_t
count_varints(const struct array *packed, size_t *longest)
{
    const int64_t count = measure_varints(packed->view.buf, packed->length, longest);
    if (count < 0) {
        return refuse(count == -1 ? "the last number of a column is cut off"
                                  : "a number has more than 64 bits");
    }
    return count;
}

static PyObject *
native_unpack_varints(PyObject *Py_UNUSED(module), PyObject *packed)
{
    struct array column = {0};
    PyObject *result = NULL;
    size_t longest = 0;
    int64_t count;
    if (array_open(&column, packed, "packed", 1, READ) != 0
        || (count = count_varints(&column, &longest)) < 0) {
        goto close;
    }
    /* Four bytes hold 28 bits, which always fit into 32. */
    const size_t width = longest <= 1 ? 1 : longest <= 4 ? 4 : 8;
    if (width == 1) {
        result = Py_BuildValue("OI", packed, 1u);
        goto close;
    }
    PyObject *values = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)((size_t)count * width));
    if (values == NULL) {
        goto close;
    }
    void *place = PyByteArray_AS_STRING(values);
    if (width == 4) {
        unpack_varints_32(column.view.buf, column.length, place);
    }
    else {
        unpack_varints_64(column.view.buf, column.length, place);
    }
    result = Py_BuildValue("NI", values, (unsigned)width);
close:
    arrays_close(&column, 1);
    return result;
}

/* Return the number of values in a column, or set an exception that names the
 * error. */
static PyObject *
filled_result(enum filled filled, size_t used, const char *too_large)
{
    switch (filled) {
    case FILLED:
        return PyLong_FromSize_t(used);
    case CUT_OFF:
        PyErr_SetString(PyExc_ValueError, "the last number of a column is cut off");
        return NULL;
    case TOO_LONG:
        PyErr_SetString(PyExc_ValueError, "a number has more than 64 bits");
        return NULL;
    case TOO_LARGE:
        PyErr_SetString(PyExc_OverflowError, too_large);
        return NULL;
    case NO_ROOM:
        break;
    }
    PyErr_SetString(PyExc_OverflowError, "it holds more objects than its trailer counts.");
    return NULL;
}

enum column { NUMBERS_32, NUMBERS_64, IDS, LABELS, TARGETS };

/* Fill a column from a packed one. For labels, `beside` receives the names. For
 * targets, `beside` holds the edges before which objects take indexes, and
 * `next_index` follows. */
static PyObject *
fill(PyObject *arguments, enum column column)
{
    static const size_t sizes[][3] = {{1, 4, 0}, {1, 8, 0}, {1, 4, 0}, {1, 1, 4}, {1, 4, 8}};
    static const char *names[] = {"packed", "column", "beside"};
    const size_t count = column < LABELS ? 2 : 3;
    PyObject *objects[3] = {NULL, NULL, NULL};
    unsigned long long next_index = 0;
    struct array arrays[3] = {0};
    PyObject *result = NULL;
    size_t used = 0;
    enum filled filled = FILLED;
    const char *too_large = "a number of a batch is out of its range.";
    if (!PyArg_ParseTuple(arguments, column < LABELS ? "OO" : column == LABELS ? "OOO" : "OOOK",
                          &objects[0], &objects[1], &objects[2], &next_index)) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const bool is_read = i == 0 || (i == 2 && column == TARGETS);
        if (array_open(&arrays[i], objects[i], names[i], sizes[column][i],
                       is_read ? READ : WRITE) != 0) {
            goto close;
        }
    }
    const uint8_t *const packed = arrays[0].view.buf;
    void *const into = arrays[1].view.buf, *const beside = arrays[2].view.buf;
    const size_t length = arrays[0].length, room = arrays[1].length;
    if (column == LABELS && arrays[2].length != room) {
        refuse("kinds and names differ in length");
        goto close;
    }
    Py_BEGIN_ALLOW_THREADS
    switch (column) {
    case NUMBERS_32:
        filled = fill_32(packed, length, into, room, &used);
        break;
    case NUMBERS_64:
        filled = fill_64(packed, length, into, room, &used);
        break;
    case IDS:
        too_large = "an object has an impossible id.";
        filled = fill_ids(packed, length, into, room, &used);
        break;
    case LABELS:
        filled = fill_labels(packed, length, into, beside, room, &used);
        break;
    case TARGETS:
        too_large = "an edge leads to an impossible object.";
        filled = fill_targets(packed, length, next_index, beside, arrays[2].length, into, room,
                              &used);
        break;
    }
    Py_END_ALLOW_THREADS
    result = filled_result(filled, used, too_large);
close:
    arrays_close(arrays, count);
    return result;
}

static PyObject *
native_fill_32(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return fill(arguments, NUMBERS_32);
}

static PyObject *
native_fill_64(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return fill(arguments, NUMBERS_64);
}

static PyObject *
native_fill_ids(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return fill(arguments, IDS);
}

static PyObject *
native_fill_labels(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return fill(arguments, LABELS);
}

static PyObject *
native_fill_targets(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return fill(arguments, TARGETS);
}

static PyObject *
native_decimals(PyObject *Py_UNUSED(module), PyObject *numbers)
{
    struct array column = {0};
    PyObject *result = NULL;
    if (array_open(&column, numbers, "numbers", 4, READ) == 0) {
        const size_t length = measure_decimals(column.view.buf, column.length);
        result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
    }
    if (result != NULL) {
        char *text = PyBytes_AS_STRING(result);
        Py_BEGIN_ALLOW_THREADS
        write_decimals(column.view.buf, column.length, text);
        Py_END_ALLOW_THREADS
    }
    arrays_close(&column, 1);
    return result;
}

static PyMethodDef methods[] = {
    {"dominate", native_dominate, METH_VARARGS, "Find immediate dominators."},
    {"retain", native_retain, METH_VARARGS, "Turn sizes into retained sizes."},
    {"retain_by_type", native_retain_by_type, METH_VARARGS, "Sum up retained sizes by type."},
    {"find_paths", native_find_paths, METH_VARARGS, "Find shortest paths from roots."},
    {"unpack_varints", native_unpack_varints, METH_O, "Unpack a packed protobuf column."},
    {"fill_32", native_fill_32, METH_VARARGS, "Unpack a packed column into one of 32 bits."},
    {"fill_64", native_fill_64, METH_VARARGS, "Unpack a packed column into one of 64 bits."},
    {"fill_labels", native_fill_labels, METH_VARARGS, "Kinds and names from a packed column."},
    {"fill_ids", native_fill_ids, METH_VARARGS, "Ids from a packed column of differences."},
    {"fill_targets", native_fill_targets, METH_VARARGS, "Targets from a packed column."},
    {"decimals", native_decimals, METH_O, "Numbers of 32 bits as text, with commas."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ops_client.heap_graph._native",
    .m_doc = "Algorithms on heap graphs, in C.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
