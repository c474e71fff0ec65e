/* Settings that the parent passes to a walk. */
#ifndef OPS_WALKER_SETTINGS_H
#define OPS_WALKER_SETTINGS_H

#include "arrays.h"
#include "shared.h"
#include "visited.h"

#include <sys/types.h>

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

/* Memory that must stay free. With a stat_path: the usage in the first file, minus
 * the field of the other file, must not exceed the bytes. Without: the field of the
 * first file, in KiB, must not fall below them. */
typedef struct {
    char usage_path[PATH_ROOM];
    char stat_path[PATH_ROOM];
    char field[32];
    uint64_t bytes;
} MemoryBound;

/* Purpose of the child. */
typedef enum {
    WALK_SNAPSHOT,
    WALK_CENSUS,
    WALK_GROWTH,
    WALK_REFERRERS,
    WALK_PROOF, /* proof of the layout: not a walk, but reads as one does */
    WALK_KINDS,
} WalkKind;

/* Resource limits of the child. */
typedef struct {
    double lifetime;
    uint64_t mapped; /* bytes */
    uint64_t copied; /* bytes that may exist twice; 0: no bound */
    double cpu_rate; /* CPU seconds per second; 0: no bound */
    MemoryBound *memory;
    int memory_count;
} Bounds;

/* An object, and its allocation site as tracemalloc reports it. */
typedef struct {
    PyObject *object; /* NULL if the walk does not read sites */
    const char *file;
    unsigned line;
} SiteProbe;

typedef struct {
    uint64_t max_objects; /* 0: no bound */
    int content_level;    /* a ContentLevel */
    size_t content_limit;
    int hash_strings;
} SnapshotSettings;

typedef struct {
    struct PathTable *table;
} GrowthSettings;

/* The search target: an object, or the objects of a type. */
typedef struct {
    uint64_t id; /* 0 if the target is a type */
    const char *type;
    double seconds;
} ReferrersSettings;

/* Facts that are looked up once, when the module is loaded. */
typedef struct {
    size_t zero_size;     /* sys.getsizeof(0) */
    size_t static_header; /* sys.getsizeof(int) - type.__sizeof__(int) */
    PyTypeObject *plain_class;
    /* Whether the traversal of an instance visits inline values in place of the __dict__
     * that shares them. CPython 3.13 does until 3.13.12, and 3.14 until 3.14.3. */
    int shared_dict_unvisited;
    PyTypeObject *deque;
    PyTypeObject *ordered_dict;
    PyTypeObject *array;
    PyTypeObject *thread_local;
    ArrayLayout arrays;
    Located located;
} Known;

typedef struct {
    WalkKind kind;
    SnapshotSettings snapshot;
    GrowthSettings growth;
    ReferrersSettings referrers;
    PyObject *proof; /* the objects that the parent planted */
    SiteProbe site;

    PyInterpreterState *interp;
    pid_t host;
    int output;
    Bounds bounds;
    Shared *shared;
    RegionTable *regions;
    Known known;
    PyObject *modules;
    int atexit_count; /* as Python reports it, for the proof alone */
    RootObject roots[ROOT_OBJECTS_MAX];
    int root_count;
    /* The parts of ops_service, where its own part of the heap begins. */
    PyObject **own;
    int own_count;
    /* Arguments of the call that cloned: only that call holds them. */
    PyObject *call[2];
    ThreadName *threads;
    int thread_count;
} Settings;

#endif
