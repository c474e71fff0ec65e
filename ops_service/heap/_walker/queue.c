/* Objects that wait to be read. Blocks that were read go back to the system. */
#include "walker.h"

#define BLOCK_ENTRIES (QUEUE_BLOCK - 1)

void
queue_open(Walk *walk, Queue *queue)
{
    queue->first = queue->last = memory_map(walk, sizeof(QueueBlock));
    queue->read = queue->written = 0;
}

void
queue_push(Walk *walk, Queue *queue, uintptr_t entry)
{
    if (queue->written == BLOCK_ENTRIES) {
        QueueBlock *block = memory_map(walk, sizeof(QueueBlock));
        queue->last->next = block;
        queue->last = block;
        queue->written = 0;
    }
    queue->last->entries[queue->written++] = entry;
}

uintptr_t
queue_pop(Walk *walk, Queue *queue)
{
    if (queue->first == queue->last && queue->read == queue->written) {
        queue->read = queue->written = 0;
        return 0;
    }
    if (queue->read == BLOCK_ENTRIES) {
        QueueBlock *block = queue->first;
        queue->first = block->next;
        queue->read = 0;
        memory_unmap(walk, block, sizeof *block);
        return queue_pop(walk, queue);
    }
    return queue->first->entries[queue->read++];
}
