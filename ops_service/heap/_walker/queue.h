/* queue.c: queue of the objects to read. */
#ifndef OPS_WALKER_QUEUE_H
#define OPS_WALKER_QUEUE_H

#include "walker.h"

#define QUEUE_BLOCK_BYTES (65536u - 16u)

typedef struct QueueBlock {
    struct QueueBlock *next;
    uint32_t used;
    uint8_t data[QUEUE_BLOCK_BYTES];
} QueueBlock;

typedef struct {
    QueueBlock *first;
    QueueBlock *last;
    QueueBlock *spare; /* a block that was read, kept for reuse */
    uint32_t read;     /* bytes read of the first block */
    uintptr_t last_read;
    uintptr_t last_written;
} Queue;

void queue_open(Walk *walk, Queue *queue);
void queue_push(Walk *walk, Queue *queue, uintptr_t entry);
/* 0 if the queue is empty. */
uintptr_t queue_pop(Walk *walk, Queue *queue);

#endif
