/* The parts of the protobuf encoding that the walker needs. */
#ifndef OPS_WALKER_PROTOBUF_H
#define OPS_WALKER_PROTOBUF_H

#include "memory.h"

#define VARINT_MAX 10

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

static inline void
protobuf_tag(Buffer *buffer, int field, int wire)
{
    buffer_varint(buffer, (uint64_t)field << 3 | (uint64_t)wire);
}

/* Writes nothing for 0. */
static inline void
protobuf_number(Buffer *buffer, int field, uint64_t value)
{
    if (value == 0)
        return;
    protobuf_tag(buffer, field, WIRE_VARINT);
    buffer_varint(buffer, value);
}

static inline size_t
varint_size(uint64_t value)
{
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

#endif
