/* Packed protobuf columns: numbers of 7 bits a byte, the least significant first,
 * the highest bit of each byte saying that another follows. */
#include "native.h"

#define MAX_VARINT_BYTES 10

int64_t
measure_varints(const uint8_t *packed, size_t length, size_t *longest)
{
    int64_t count = 0;
    size_t begin = 0, most = 0;
    for (size_t place = 0; place < length; place++) {
        if (packed[place] < 0x80) {
            const size_t bytes = place + 1 - begin;
            if (bytes > most) {
                if (bytes > MAX_VARINT_BYTES) {
                    return -2;
                }
                most = bytes;
            }
            if (bytes == MAX_VARINT_BYTES && packed[place] > 1) {
                return -2;
            }
            count++;
            begin = place + 1;
        }
    }
    *longest = most;
    return begin == length ? count : -1;
}

#define DEFINE_UNPACK(NAME, TYPE)                                                                 \
    void NAME(const uint8_t *packed, size_t length, TYPE *values)                                 \
    {                                                                                             \
        const uint8_t *const end = packed + length;                                               \
        while (packed < end) {                                                                    \
            TYPE value = *packed & 0x7F;                                                          \
            for (unsigned shift = 7; *packed++ >= 0x80; shift += 7) {                             \
                value |= (TYPE)(*packed & 0x7F) << shift;                                         \
            }                                                                                     \
            *values++ = value;                                                                    \
        }                                                                                         \
    }

DEFINE_UNPACK(unpack_varints_32, uint32_t)
DEFINE_UNPACK(unpack_varints_64, uint64_t)

/* One number; `packed` goes behind it. */
static uint64_t
next_varint(const uint8_t **packed)
{
    const uint8_t *place = *packed;
    uint64_t value = *place & 0x7F;
    for (unsigned shift = 7; *place++ >= 0x80; shift += 7) {
        value |= (uint64_t)(*place & 0x7F) << shift;
    }
    *packed = place;
    return value;
}

bool
resolve_ids(const uint8_t *packed, size_t length, uint32_t *ids)
{
    const uint8_t *const end = packed + length;
    uint64_t id = 0;
    while (packed < end) {
        const uint64_t zigzag = next_varint(&packed);
        id += (zigzag >> 1) ^ (0 - (zigzag & 1));
        if (id > UINT32_MAX || (id != 0 && id % 2 == 0)) {
            return false;
        }
        *ids++ = (uint32_t)id;
    }
    return true;
}

bool
resolve_targets(const uint8_t *packed, size_t length, uint64_t next_index,
                const int64_t *unfound, size_t unfound_count, uint32_t *targets)
{
    const uint8_t *const end = packed + length;
    size_t taken = 0;
    for (int64_t edge = 0; packed < end; edge++) {
        /* Such an object takes an index itself, before its first edge. */
        for (; taken < unfound_count && unfound[taken] <= edge; taken++) {
            next_index++;
        }
        const uint64_t code = next_varint(&packed);
        uint64_t target = code >> 1;
        if (code == 0) {
            target = next_index++;
        }
        else if (code % 2 == 0) {
            target = next_index - target;
        }
        if (target > UINT32_MAX) {
            return false;
        }
        *targets++ = (uint32_t)target;
    }
    return true;
}
