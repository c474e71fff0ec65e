/* types.c: facts about a type. */
#ifndef OPS_WALKER_TYPES_H
#define OPS_WALKER_TYPES_H

#include "walker.h"

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
    SIZE_NUMPY_ARRAY,
} SizeKind;

typedef enum {
    SHAPE_LEAF,      /* has no references */
    SHAPE_INSTANCE,  /* of a class that Python code derives from object */
    SHAPE_LIST,
    SHAPE_TUPLE,
    SHAPE_DICT,
    SHAPE_SET,
    SHAPE_CODE,
    SHAPE_ARRAY,     /* a NumPy array */
    SHAPE_TRAVERSED, /* read with its own traversal */
} Shape;

typedef struct {
    Py_ssize_t offset;
    uint32_t label;
} Slot;

/* Facts that one kind of walk stores about a type. */
typedef struct {
    uint8_t content; /* a ContentKind, of its instances */
} SnapshotType;

typedef struct {
    /* Index 0: the application; index 1: ops_service itself. */
    uint64_t count[2];
    uint64_t total_size[2];
    uint64_t extra_size[2];
} CensusType;

typedef struct {
    uint32_t string; /* its name in the table of paths */
    uint8_t buffer;  /* a BufferKind */
    uint8_t keys_by_variable;
} GrowthType;

typedef struct {
    uint8_t wanted; /* the search looks for holders of its instances */
} ReferrersType;

typedef struct {
    PyTypeObject *type;
    uint32_t index;
    uint8_t size_kind;
    uint8_t size_estimated;
    uint8_t shape;
    uint8_t opaque;
    uint8_t own;          /* defined by ops_service */
    uint8_t thread_local; /* threading.local, or a subclass */
    uint8_t container;
    uint8_t traversed_elements;
    uint32_t slot_count;
    Slot *slots;
    uint32_t *inline_labels;
    uint32_t inline_count;
    union {
        SnapshotType snapshot;
        CensusType census;
        GrowthType growth;
        ReferrersType referrers;
    };
} TypeEntry;

/* Name of a placeholder type, see type_unreadable(). */
#define TYPE_UNREADABLE "unreadable"

#define TYPES_RECENT 64u

typedef struct {
    TypeEntry **slots;
    size_t capacity;
    uint32_t count;
    /* Cache of the latest types, by address: a walk switches between a few types
     * all the time. */
    TypeEntry *recent[TYPES_RECENT];
    TypeEntry *unreadable; /* set at first use */
} Types;

void types_open(Walk *walk);

static inline TypeEntry **
types_recent(Types *types, const PyTypeObject *type)
{
    uint64_t mixed = (uint64_t)(uintptr_t)type * UINT64_C(0x9E3779B97F4A7C15);
    return &types->recent[mixed >> 40 & (TYPES_RECENT - 1)];
}

/* The ContentKind of the instances of a type. */
uint8_t type_content(const PyTypeObject *type);
TypeEntry *type_entry_slow(Walk *walk, PyTypeObject *type);
/* The placeholder type for a reference to something that is not an object, or is
 * not readable. */
TypeEntry *type_unreadable(Walk *walk);
#endif
