/* Queue of the objects to read. Blocks that were read go back to the system.
 *
 * Neighbours in the queue are often neighbours in memory. So each entry is stored
 * as its difference from the previous one: mostly two or three bytes instead of
 * eight. The queue is the larger part of a census's memory.
 */
#include "queue.h"

#include "memory.h"

#define ENTRY_MAX 10u /* of a varint */
/* Addresses of objects are multiples of this. */
#define STEP 16

static QueueBlock *
new_block(Walk *walk, Queue *queue)
{
    QueueBlock *block = queue->spare;
    queue->spare = NULL;
    if (block == NULL)
        block = memory_map(walk, sizeof(QueueBlock));
    block->next = NULL;
    block->used = 0;
    return block;
}

void
queue_open(Walk *walk, Queue *queue)
{
    queue->spare = NULL;
    queue->first = queue->last = new_block(walk, queue);
    queue->read = 0;
    queue->last_read = queue->last_written = 0;
}

/* Encodes the difference, in steps if it is a multiple of STEP; the lowest bit
 * shows which. Entries are addresses of processes or small numbers, so both fit. */
static uint64_t
encoded(int64_t difference)
{
    int odd = difference % STEP != 0;
    int64_t value = odd ? difference : difference / STEP;
    return (((uint64_t)value << 1) ^ (uint64_t)(value >> 63)) << 1 | (uint64_t)odd;
}

static int64_t
decoded(uint64_t word)
{
    int64_t value = (int64_t)(word >> 2) ^ -(int64_t)(word >> 1 & 1);
    return word & 1 ? value : value * STEP;
}

void
queue_push(Walk *walk, Queue *queue, uintptr_t entry)
{
    QueueBlock *block = queue->last;
    if (block->used > QUEUE_BLOCK_BYTES - ENTRY_MAX) {
        block = new_block(walk, queue);
        queue->last->next = block;
        queue->last = block;
    }
    uint64_t word = encoded((int64_t)(entry - queue->last_written));
    queue->last_written = entry;
    uint8_t *to = block->data + block->used;
    for (; word >= 0x80; word >>= 7)
        *to++ = (uint8_t)(word | 0x80);
    *to++ = (uint8_t)word;
    block->used = (uint32_t)(to - block->data);
}

/* Drops the first block, which is fully read. */
static void
drop_first(Walk *walk, Queue *queue)
{
    QueueBlock *block = queue->first;
    queue->read = 0;
    if (block == queue->last) {
        block->used = 0;
        return;
    }
    queue->first = block->next;
    if (queue->spare == NULL)
        queue->spare = block;
    else
        memory_unmap(walk, block, sizeof *block);
}

uintptr_t
queue_pop(Walk *walk, Queue *queue)
{
    if (queue->read == queue->first->used) {
        drop_first(walk, queue);
        if (queue->first->used == 0)
            return 0;
    }
    const uint8_t *from = queue->first->data + queue->read;
    uint64_t word = 0;
    for (int shift = 0;; shift += 7) {
        word |= (uint64_t)(*from & 0x7F) << shift;
        if (*from++ < 0x80)
            break;
    }
    queue->read = (uint32_t)(from - queue->first->data);
    queue->last_read += (uintptr_t)decoded(word);
    return queue->last_read;
}
