/* What the parent tells a walk. */
#ifndef OPS_WALKER_SETTINGS_H
#define OPS_WALKER_SETTINGS_H

#define ROOT_OBJECTS_MAX 64
#define MEMORY_BOUNDS_MAX 16
#define PATH_ROOM 512

typedef struct {
    PyObject *object;
    const char *name;
} RootObject;

typedef struct {
    uint64_t ident;
    int own;
    char name[80];
} ThreadName;

/* Memory that has to be left. With a stat_path: usage in the file, less the field
 * of the other file, must not pass the bytes. Without: the field of the first
 * file, in KiB, must not fall below them. */
typedef struct {
    char usage_path[PATH_ROOM];
    char stat_path[PATH_ROOM];
    char field[32];
    uint64_t bytes;
} MemoryBound;

/* Of NumPy's arrays; the type is NULL where they are not known. */
typedef struct {
    PyTypeObject *type;
    Py_ssize_t offset; /* of the size of an item in a dtype */
    Py_ssize_t width;  /* bytes that it takes there */
    int tells_kinds;   /* a dtype tells whether items are objects */
} ArrayLayout;

typedef struct {
    PyInterpreterState *interp;
    pid_t host;
    int output;
    int census;
    double lifetime_limit;
    uint64_t memory_limit;
    uint64_t max_objects;  /* of a snapshot; 0 is no bound */
    uint64_t copied_limit; /* bytes that may exist twice; 0 is no bound */
    double cpu_rate; /* CPU seconds a second; 0 is no bound */
    MemoryBound *memory_bounds;
    int memory_bound_count;
    Shared *shared;
    RegionTable *regions;
    PyObject *modules;
    /* What Python tells of the interpreter's state. */
    PyObject *sys_dict;
    PyObject *interpreter_dict;
    int atexit_count;
    RootObject roots[ROOT_OBJECTS_MAX];
    int root_count;
    /* What ops_service is made of: where its own part of the heap begins. */
    PyObject **own;
    int own_count;
    /* Arguments of the call that cloned: nothing but that call holds them. */
    PyObject *call[2];
    ThreadName *threads;
    int thread_count;
    size_t zero_size;     /* sys.getsizeof(0) */
    size_t static_header; /* sys.getsizeof(int) - type.__sizeof__(int) */
    PyTypeObject *plain_class;
    PyTypeObject *deque;
    PyTypeObject *ordered_dict;
    PyTypeObject *array;
    PyTypeObject *thread_local;
    ArrayLayout arrays;
    /* An object, and where tracemalloc says it was allocated. */
    PyObject *site_probe;
    const char *site_file;
    unsigned site_line;
    int content_level; /* a ContentLevel */
    size_t content_limit;
    int hash_strings;
    PyObject *proof;
    struct PathTable *paths; /* for a growth sample */
    int finds_referrers;     /* of an object or a type, within a time */
    uint64_t referrers_of;   /* an id; 0 if a type is asked for */
    const char *referrers_of_type;
    double referrers_seconds;
} Settings;

#endif
