/* queue.c and deferred_edges.c: objects that wait to be read, and edges that wait for the end. */
#ifndef OPS_WALKER_QUEUE_H
#define OPS_WALKER_QUEUE_H

#define QUEUE_BLOCK_BYTES (65536u - 16u)

typedef struct QueueBlock {
    struct QueueBlock *next;
    uint32_t used;
    uint8_t data[QUEUE_BLOCK_BYTES];
} QueueBlock;

typedef struct {
    QueueBlock *first;
    QueueBlock *last;
    QueueBlock *spare; /* read, and kept for what comes */
    uint32_t read;     /* bytes of the first block */
    uintptr_t last_read;
    uintptr_t last_written;
} Queue;

void queue_open(Walk *walk, Queue *queue);
void queue_push(Walk *walk, Queue *queue, uintptr_t entry);
/* 0 when empty. */
uintptr_t queue_pop(Walk *walk, Queue *queue);

#define LATE_BLOCK 4096u

typedef struct {
    const void *target;
    uint32_t source;
    uint32_t label;
    uint32_t place; /* edges of the source that stand before it */
} LateEdge;

typedef struct LateBlock {
    struct LateBlock *next;
    size_t count;
    LateEdge edges[LATE_BLOCK];
} LateBlock;

/* Remembers an edge that must not be what finds its target. */
void late_add(Walk *walk, uint64_t source, const void *target, uint32_t label);
void late_emit(Walk *walk);

#endif
