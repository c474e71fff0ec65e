/* queue.c: objects that wait to be read. */
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
    QueueBlock *spare; /* read, and kept for what comes */
    uint32_t read;     /* bytes of the first block */
    uintptr_t last_read;
    uintptr_t last_written;
} Queue;

void queue_open(Walk *walk, Queue *queue);
void queue_push(Walk *walk, Queue *queue, uintptr_t entry);
/* 0 when empty. */
uintptr_t queue_pop(Walk *walk, Queue *queue);

#endif
