/* memory.c: mappings, and output to the parent. */
#ifndef OPS_WALKER_MEMORY_H
#define OPS_WALKER_MEMORY_H

#include "walker.h"

#include <sys/uio.h>

typedef struct {
    uint8_t *data;
    size_t length;
    size_t capacity;
} Buffer;

/* Maps zeroed memory. Ends the child if the system refuses. */
void *memory_map(Walk *walk, size_t size);
void memory_unmap(Walk *walk, void *address, size_t size);
/* Extends a mapping, possibly at another address. Copies nothing. */
void *memory_grow(Walk *walk, void *address, size_t size, size_t new_size);
/* Allocates a small piece that lives as long as the walk. */
void *memory_piece(Walk *walk, size_t size);
void buffer_open(Walk *walk, Buffer *buffer, size_t capacity);
/* Makes room for this many more bytes; may move the buffer. */
void buffer_room(Walk *walk, Buffer *buffer, size_t length);
void buffer_bytes(Walk *walk, Buffer *buffer, const void *data, size_t length);

static inline void
buffer_varint(Buffer *buffer, uint64_t value)
{
    /* Callers keep ten bytes free: they flush buffers long before the end. */
    uint8_t *to = buffer->data + buffer->length;
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    buffer->length = (size_t)(to - buffer->data);
}

/* Appends a number of the given bytes, little-endian. */
static inline void
buffer_little(Buffer *buffer, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buffer->data[buffer->length++] = (uint8_t)(value >> (8 * i));
}

/* Writes all bytes, or ends the child. */
void output_write(Walk *walk, const void *data, size_t length);
/* The same for several parts, in one system call. Modifies the parts. */
void output_write_parts(Walk *walk, struct iovec *parts, int count);

#endif
