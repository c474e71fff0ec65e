/* The heap walker: what its parts share.
 *
 *   module.c   the Python module: start a walk, prove the layout
 *   child.c    clone, and the life of the child around the walk
 *   proof.c    does the layout read by layout.h fit the running interpreter?
 *   graph.c    the walk of a snapshot      census.c  the walk of a census
 *   roots.c    where a walk begins         edges.c   what an object refers to
 *   parts.c    names of the parts of functions, types, frames ...
 *   types.c    what is known of a type     sizes.c   what sys.getsizeof says
 *   names.c    the table of names          visited.c what was seen already
 *   queue.c    objects that wait           memory.c  mappings and output
 *   late.c     edges that wait             sites.c   where objects were allocated
 *   emit.c     protobuf batches            bounds.c  memory left, pace, parent
 *   allocator.c   no part of a walk: what CPython prints of its arenas
 *
 * A walk runs in a child that shares nothing with the interpreter's locks: no
 * malloc, no stdio, no Python code. All its memory comes from memory.c.
 */
#ifndef OPS_WALKER_H
#define OPS_WALKER_H

#include "layout.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

/* ---- memory.c: mappings, and output to the parent ------------------------- */

typedef struct {
    uint8_t *data;
    size_t length;
    size_t capacity;
} Buffer;

struct Walk;

/* Maps zeroed memory. Ends the child if the system refuses. */
void *memory_map(struct Walk *walk, size_t size);
void memory_unmap(struct Walk *walk, void *address, size_t size);
/* Small pieces that live as long as the walk. */
void *memory_piece(struct Walk *walk, size_t size);
void buffer_open(struct Walk *walk, Buffer *buffer, size_t capacity);
void buffer_bytes(struct Walk *walk, Buffer *buffer, const void *data, size_t length);

static inline void
buffer_varint(Buffer *buffer, uint64_t value)
{
    /* Callers keep room for ten bytes: buffers are flushed long before. */
    uint8_t *to = buffer->data + buffer->length;
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    buffer->length = (size_t)(to - buffer->data);
}

/* Writes everything, or ends the child. */
void output_write(struct Walk *walk, const void *data, size_t length);

/* ---- the page that parent and child share ---------------------------------- */

typedef enum {
    STATUS_RUNNING = 0,
    STATUS_DONE = 1,
    STATUS_OUT_OF_MEMORY = 2,
    STATUS_READER_GONE = 3,
    STATUS_OUTPUT_FAILED = 4,
    STATUS_CORRUPT = 5,
    STATUS_MISMATCH = 6,
    STATUS_MEMORY_BOUND = 7,
    STATUS_FAULT = 8,
    STATUS_PRESSURE = 9,
} Status;

#define OPAQUE_MAX 16
#define TYPE_NAME_ROOM 128

typedef struct {
    volatile uint32_t status;
    volatile uint32_t error_number;
    volatile uint64_t objects;
    volatile uint64_t edges;
    volatile uint64_t types;
    volatile uint64_t names;
    volatile uint64_t total_size;
    volatile uint64_t mapped_now;
    volatile uint64_t mapped_peak;
    volatile uint64_t unstable_ids;
    volatile uint64_t unnamed_past_bound;
    volatile uint64_t sites_read;
    volatile uint64_t proof_step;
    /* Types whose traversal faulted; the last one ended the child if the
     * status says so. */
    volatile uint32_t opaque_count;
    volatile char opaque[OPAQUE_MAX + 1][TYPE_NAME_ROOM];
} Shared;

/* ---- visited.c: what was seen ------------------------------------------------ */

#define REGION_SHIFT 18
#define REGION_GRANULES (1u << (REGION_SHIFT - 4))
#define REGION_TABLE_SIZE (1u << 17)

/* Regions that captures of this process have met, in order: an id is the
 * number of a region and a place in it, so it stays the same. Shared by all
 * children, extended by one at a time. */
typedef struct {
    volatile uint32_t count;
    uint32_t reserved;
    uintptr_t keys[REGION_TABLE_SIZE];
} RegionTable;

typedef struct {
    uintptr_t key;
    uint32_t number;
    uint32_t *indexes;
    uint64_t *bits;
} Region;

typedef struct {
    Region *slots;
    size_t capacity;
    size_t used;
    Region *last;
} Visited;

#define REGION_UNNUMBERED UINT32_MAX

/* In place of an index: of ops_service itself, and not read yet. */
#define INDEX_OWN UINT32_MAX

void visited_open(struct Walk *walk, Visited *visited);
Region *visited_find(struct Walk *walk, Visited *visited, uintptr_t key);

static inline Region *
visited_region(struct Walk *walk, Visited *visited, const void *address)
{
    uintptr_t key = (uintptr_t)address >> REGION_SHIFT;
    if (visited->last->key == key)
        return visited->last;
    return visited_find(walk, visited, key);
}

static inline uint32_t
visited_granule(const void *address)
{
    /* Objects are at least 16 bytes long, so no two begin in one granule. */
    return (uint32_t)((uintptr_t)address >> 4) & (REGION_GRANULES - 1);
}

uint32_t *visited_indexes(struct Walk *walk, Region *region);
uint64_t *visited_bits(struct Walk *walk, Region *region);
uint32_t visited_id(struct Walk *walk, const void *address);

/* ---- configuration, from the parent -------------------------------------------------- */

#define ROOT_OBJECTS_MAX 64
#define THREADS_MAX 4096
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

typedef struct {
    PyInterpreterState *interp;
    pid_t host;
    int output;
    int census;
    double lifetime_limit;
    uint64_t memory_limit;
    double cpu_rate; /* CPU seconds a second; 0 is no bound */
    MemoryBound *memory_bounds;
    int memory_bound_count;
    Shared *shared;
    RegionTable *regions;
    PyObject *modules;
    RootObject roots[ROOT_OBJECTS_MAX];
    int root_count;
    /* What ops_service is made of: where its own part of the heap begins. */
    PyObject **own;
    int own_count;
    ThreadName *threads;
    int thread_count;
    size_t zero_size;     /* sys.getsizeof(0) */
    size_t static_header; /* sys.getsizeof(int) - type.__sizeof__(int) */
    PyTypeObject *plain_class;
    PyTypeObject *deque;
    PyTypeObject *ordered_dict;
    PyTypeObject *array;
    /* An object, and where tracemalloc says it was allocated. */
    PyObject *site_probe;
    const char *site_file;
    unsigned site_line;
    PyObject *proof;
} Settings;

/* ---- names.c, types.c ---------------------------------------------------------- */

typedef struct {
    uint64_t hash;
    PyObject *text;
    const char *literal;
    uint32_t number;
} NameEntry;

typedef struct {
    NameEntry *slots;
    size_t capacity;
    uint32_t count;
} Names;

/* Number of a name; 0 if it is no identifier or the table is full. */
uint32_t name_number(struct Walk *walk, PyObject *text);
uint32_t name_number_dotted(struct Walk *walk, PyObject *text);
uint32_t name_number_literal(struct Walk *walk, const char *literal);

typedef enum {
    SIZE_PLAIN,
    SIZE_INT,
    SIZE_STR,
    SIZE_LIST,
    SIZE_DICT,
    SIZE_SET,
    SIZE_BYTEARRAY,
    SIZE_TYPE,
    SIZE_CODE,
    SIZE_FRAME,
    SIZE_GENERATOR,
    SIZE_DEQUE,
    SIZE_ARRAY,
    SIZE_ORDERED_DICT,
} SizeKind;

typedef enum {
    SHAPE_LEAF,      /* refers to nothing */
    SHAPE_INSTANCE,  /* of a class that Python code defined on object */
    SHAPE_LIST,
    SHAPE_TUPLE,
    SHAPE_DICT,
    SHAPE_SET,
    SHAPE_CODE,
    SHAPE_TRAVERSED, /* by its own traversal */
} Shape;

typedef struct {
    Py_ssize_t offset;
    uint32_t label;
} Slot;

typedef struct {
    PyTypeObject *type;
    uint32_t index;
    uint8_t size_kind;
    uint8_t size_estimated;
    uint8_t shape;
    uint8_t opaque;
    uint8_t own; /* defined by ops_service */
    uint8_t container;
    uint8_t traversed_elements;
    uint32_t slot_count;
    Slot *slots;
    uint32_t *inline_labels;
    uint32_t inline_count;
    /* Of the application, and of ops_service itself. */
    uint64_t count[2];
    uint64_t total_size[2];
    uint64_t extra_size[2];
} TypeEntry;

typedef struct {
    TypeEntry **slots;
    size_t capacity;
    uint32_t count;
    TypeEntry *last;
} Types;

void types_open(struct Walk *walk);
TypeEntry *type_entry_slow(struct Walk *walk, PyTypeObject *type);
/* The text of a string that is ASCII or has its UTF-8 at hand. */
int type_text(PyObject *object, const char **text, size_t *length);
void type_name(PyTypeObject *type, const char **module, size_t *module_length,
               const char **name, size_t *name_length);
typedef struct {
    size_t counted; /* what sys.getsizeof says */
    size_t extra;   /* what it leaves out */
} Size;

Size size_of(const Settings *settings, PyObject *object, const TypeEntry *entry);

/* ---- sites.c --------------------------------------------------------------------------- */

typedef struct {
    PyObject *file;
    unsigned line;
    uint32_t number;
} SiteEntry;

typedef struct {
    int on;
    SiteEntry *slots;
    size_t capacity;
    uint32_t count;
} Sites;

void sites_open(struct Walk *walk);
/* Number of the line that allocated an object; 0 if it is not known. */
uint32_t site_number(struct Walk *walk, PyObject *object);

/* ---- edges ------------------------------------------------------------------------- */

enum {
    KIND_ELEMENT = 1,
    KIND_KEY = 2,
    KIND_VALUE = 3,
    KIND_ATTRIBUTE = 4,
    KIND_SLOT = 5,
    KIND_LOCAL = 6,
    KIND_CELL = 7,
    KIND_INTERNAL = 8,
    KIND_WEAK = 9,
    KIND_ROOT = 10,
};

#define LABEL(name, kind) (((uint32_t)(name) << 4) | (uint32_t)(kind))

/* What an entry of the queue is, in the low bits of its address. */
enum {
    TAG_OBJECT = 0,
    TAG_NAMESPACE = 1, /* a dict whose keys are names */
    TAG_FRAME = 2,
    TAG_THREAD = 3,
    TAG_ROOT = 4,
    TAG_UNREFERENCED = 5, /* an object that no edge found */
    TAG_CYCLE = 6,
    TAG_MASK = 7,
};

typedef struct {
    PyObject *target;
    uint32_t label;
    uint32_t tag;
} Part;

#define PARTS_MAX 1024

/* ---- the walk --------------------------------------------------------------------------- */

#define QUEUE_BLOCK (1u << 17)
#define SYNTHETIC_TYPES 5

/* What a fault in tp_traverse or in a size would interrupt. */
typedef enum {
    PHASE_NONE, /* nothing that can be given up: a fault ends the child */
    PHASE_SIZE,
    PHASE_EDGES,
    PHASE_MARK,
} Phase;

typedef struct QueueBlock {
    struct QueueBlock *next;
    uintptr_t entries[QUEUE_BLOCK - 1];
} QueueBlock;

#define LATE_BLOCK 65536u

typedef struct LateBlock {
    struct LateBlock *next;
    size_t count;
    struct {
        const void *target;
        uint32_t source;
        uint32_t label;
    } edges[LATE_BLOCK];
} LateBlock;

typedef struct {
    QueueBlock *first;
    QueueBlock *last;
    size_t read;
    size_t written;
} Queue;

/* In the order of their fields in HeapGraphBatch. */
enum {
    COLUMN_TYPE_INDEXES,
    COLUMN_SIZES,
    COLUMN_ID_DELTAS,
    COLUMN_FLAGS,
    COLUMN_EDGE_COUNTS,
    COLUMN_EDGE_TARGETS,
    COLUMN_EDGE_LABELS,
    COLUMN_EXTRA_SIZES,
    COLUMN_LATE_SOURCES,
    COLUMN_LATE_TARGETS,
    COLUMN_LATE_LABELS,
    COLUMN_SITES,
    COLUMN_COUNT,
};

typedef struct {
    Buffer definitions; /* types, names, roots */
    Buffer columns[COLUMN_COUNT];
    Buffer message;
    uint64_t first_object;
    uint64_t first_next;
    uint64_t continued_edges;
    uint64_t last_id;
    size_t any_extra;
} Batch;

typedef struct Walk {
    const Settings *settings;
    Shared *shared;
    int census;
    traverseproc instance_traverse;

    Visited visited;
    Queue queue;
    Names names;
    Types types;
    Sites sites;
    Batch batch;

    LateBlock *late_first;
    LateBlock *late_last;
    int own; /* reads what ops_service itself is made of */

    uint64_t next_object; /* indexes given out */
    uint64_t row;         /* index of the next row */
    uint64_t row_edges;   /* edges of it in this batch */
    int row_continued;    /* its row stands in an earlier batch */
    uint64_t edge_count;
    uint64_t total_size;

    Part parts[PARTS_MAX];
    int part_count;
    int part_cursor;
    /* What a traversal will visit that was emitted already, in order. */
    PyObject *skip_object;
    int skip_shape;
    Py_ssize_t skip_at;
    int skip_key;
    int traversed_elements;

    uint8_t *piece;
    size_t piece_left;
    uint32_t synthetic_types[SYNTHETIC_TYPES];
    uint32_t class_label;
    uint32_t dict_label;

    /* Where a fault continues, and what was being read. */
    sigjmp_buf resume;
    Phase phase;
    TypeEntry *reading;
    uintptr_t entry;
    PyGC_Head *list_node;
    int list_number;
    uint64_t list_seen;
    uint64_t ticks;
    double began;
    double looked;
} Walk;

static inline TypeEntry *
type_entry(Walk *walk, PyTypeObject *type)
{
    if (walk->types.last != NULL && walk->types.last->type == type)
        return walk->types.last;
    return type_entry_slow(walk, type);
}

void graph_walk(Walk *walk);
void census_walk(Walk *walk);

/* Reports one reference of the object being read. */
void edge(Walk *walk, PyObject *target, uint32_t label, uint32_t tag);
void graph_edge(Walk *walk, uintptr_t target, uint32_t label, uint32_t tag);
void census_edge(Walk *walk, PyObject *target);
void edges_of(Walk *walk, PyObject *object, TypeEntry *entry, uint32_t tag);
void edges_of_frame(Walk *walk, layout_frame *frame);
void parts_of(Walk *walk, PyObject *object, TypeEntry *entry);
void parts_left_out(Walk *walk, PyObject *object);
void part_add(Walk *walk, PyObject *target, const char *name, uint32_t kind, uint32_t tag);

/* Remembers an edge that must not be what finds its target. */
void late_add(Walk *walk, uint64_t source, const void *target, uint32_t label);
void late_emit(Walk *walk);

void queue_open(Walk *walk, Queue *queue);
void queue_push(Walk *walk, Queue *queue, uintptr_t entry);
/* 0 when empty. */
uintptr_t queue_pop(Walk *walk, Queue *queue);

/* Number of roots before threads: modules and the interpreter. */
#define ROOT_MODULES 0
#define ROOT_INTERPRETER 1
#define ROOT_OWN 2

/* Pushes the roots of the application; returns how many there are. */
uint32_t roots_push(Walk *walk);
/* Pushes the roots of ops_service itself. */
uint32_t roots_push_own(Walk *walk);
/* Introduces a synthetic node and returns the index of its type. */
uint32_t root_define(Walk *walk, uintptr_t address, uint32_t tag);
void root_edges(Walk *walk, uintptr_t address, uint32_t tag);

void emit_open(Walk *walk);
void emit_type(Walk *walk, TypeEntry *entry);
uint32_t emit_synthetic_type(Walk *walk, const char *name);
void emit_name(Walk *walk, const char *text, size_t length);
void emit_root(Walk *walk, uint64_t row, int kind, const char *name, size_t length,
               uint64_t thread_id);
void emit_row(Walk *walk, uint32_t type_index, Size size, uint32_t id, uint32_t flags,
              uint32_t site);
void emit_site(Walk *walk, PyObject *file, unsigned line);
void emit_row_end(Walk *walk);
void emit_edge(Walk *walk, uint64_t target, uint32_t label);
void emit_late_edge(Walk *walk, uint64_t source, uint64_t target, uint32_t label);
void emit_flush(Walk *walk);
/* Says that nothing follows. */
void emit_end(Walk *walk);

/* The next object on the collector's lists; NULL at their end. */
void gc_lists_begin(Walk *walk);
PyObject *gc_lists_next(Walk *walk);

/* ---- bounds.c ----------------------------------------------------------------------------- */

/* Rests, or ends the child, where a bound asks for it. Cheap: call it often. */
void bounds_check(Walk *walk);

/* ---- child.c ---------------------------------------------------------------------------- */

Walk *walk_new(const Settings *settings);

_Noreturn void child_end(Shared *shared, Status status, int error_number);
/* Clones the process; the child walks and never returns. */
long child_start(Settings *settings);

/* ---- proof.c ------------------------------------------------------------------------------ */

/* Number of the first step that failed, 0 if all held. */
int proof_run(Walk *walk);
const char *proof_step_name(int step);

/* ---- allocator.c -------------------------------------------------------------------------- */

/* In the process itself, with the GIL held. */
PyObject *arena_statistics(PyObject *module, PyObject *ignored);

#endif
