/* Packed protobuf columns: 7 bits of a value per byte, the least significant first.
 * The highest bit of a byte shows that another byte follows. */
#include <string.h>

#include "native.h"

#define MAX_VARINT_BYTES 10
#define HIGHEST_BITS UINT64_C(0x8080808080808080)

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

/* ---- Into existing columns -------------------------------------------------------- */

/* A column being read, and its error state. */
struct reading {
    const uint8_t *place;
    const uint8_t *end;
    enum filled state;
};

/* The next value, byte by byte: of any length, possibly malformed. */
static uint64_t
next_slowly(struct reading *reading)
{
    uint64_t value = 0;
    for (unsigned bytes = 0; bytes < MAX_VARINT_BYTES; bytes++) {
        if (reading->place == reading->end) {
            reading->state = CUT_OFF;
            return 0;
        }
        const uint8_t byte = *reading->place++;
        value |= (uint64_t)(byte & 0x7F) << (7 * bytes);
        if (byte < 0x80) {
            if (bytes == MAX_VARINT_BYTES - 1 && byte > 1) {
                break;
            }
            return value;
        }
    }
    reading->state = TOO_LONG;
    return 0;
}

/* The next value. Lengths are unpredictable, so a value of up to eight bytes is
 * decoded without a branch. */
static inline uint64_t
next_varint(struct reading *reading)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    if (reading->end - reading->place >= (ptrdiff_t)sizeof(word)) {
        memcpy(&word, reading->place, sizeof(word));
        const uint64_t ends = ~word & HIGHEST_BITS;
        if (ends != 0) {
            reading->place += __builtin_ctzll(ends) / 8 + 1;
            word &= ends ^ (ends - 1);
            word = (word & UINT64_C(0x007F007F007F007F))
                   | (word & UINT64_C(0x7F007F007F007F00)) >> 1;
            word = (word & UINT64_C(0x00003FFF00003FFF))
                   | (word & UINT64_C(0x3FFF00003FFF0000)) >> 2;
            return (word & UINT64_C(0x000000000FFFFFFF))
                   | (word & UINT64_C(0x0FFFFFFF00000000)) >> 4;
        }
    }
#endif
    return next_slowly(reading);
}

/* Whether the next eight values are present and take one byte each. */
static inline bool
are_short(const struct reading *reading)
{
    uint64_t word;
    if (reading->end - reading->place < (ptrdiff_t)sizeof(word)) {
        return false;
    }
    memcpy(&word, reading->place, sizeof(word));
    return (word & HIGHEST_BITS) == 0;
}

/* Read a column: SHORT for eight values of one byte each, ANY for any other value. */
#define READ_COLUMN(SHORT, ANY)                                                                   \
    struct reading reading = {packed, packed + length, FILLED};                                   \
    size_t count = 0;                                                                             \
    while (reading.place != reading.end) {                                                        \
        if (room - count >= 8 && are_short(&reading)) {                                           \
            for (size_t i = 0; i < 8; i++) {                                                      \
                const uint8_t number = reading.place[i];                                          \
                SHORT;                                                                            \
            }                                                                                     \
            reading.place += 8;                                                                   \
            count += 8;                                                                           \
            continue;                                                                             \
        }                                                                                         \
        if (count == room) {                                                                      \
            return NO_ROOM;                                                                       \
        }                                                                                         \
        const uint64_t number = next_varint(&reading);                                            \
        if (reading.state != FILLED) {                                                            \
            return reading.state;                                                                 \
        }                                                                                         \
        ANY;                                                                                      \
        count++;                                                                                  \
    }                                                                                             \
    *used = count

enum filled
fill_32(const uint8_t *packed, size_t length, uint32_t *values, size_t room, size_t *used)
{
    uint64_t all = 0;
    READ_COLUMN(values[count + i] = number, values[count] = (uint32_t)number; all |= number);
    return all > UINT32_MAX ? TOO_LARGE : FILLED;
}

enum filled
fill_64(const uint8_t *packed, size_t length, uint64_t *values, size_t room, size_t *used)
{
    READ_COLUMN(values[count + i] = number, values[count] = number);
    return FILLED;
}

enum filled
fill_labels(const uint8_t *packed, size_t length, uint8_t *kinds, uint32_t *names, size_t room,
            size_t *used)
{
    uint64_t all = 0;
    READ_COLUMN(kinds[count + i] = number & 0xF; names[count + i] = number >> 4,
                kinds[count] = number & 0xF; names[count] = (uint32_t)(number >> 4);
                all |= number);
    return all > UINT32_MAX ? TOO_LARGE : FILLED;
}

enum filled
fill_ids(const uint8_t *packed, size_t length, uint32_t *ids, size_t room, size_t *used)
{
    struct reading reading = {packed, packed + length, FILLED};
    size_t count = 0;
    uint64_t id = 0;
    bool impossible = false;
    while (reading.place != reading.end) {
        if (count == room) {
            return NO_ROOM;
        }
        const uint64_t zigzag = next_varint(&reading);
        id += (zigzag >> 1) ^ (0 - (zigzag & 1));
        impossible |= id > UINT32_MAX || (id != 0 && id % 2 == 0);
        ids[count++] = (uint32_t)id;
    }
    if (reading.state != FILLED) {
        return reading.state;
    }
    *used = count;
    return impossible ? TOO_LARGE : FILLED;
}

enum filled
fill_targets(const uint8_t *packed, size_t length, uint64_t next_index, const int64_t *unfound,
             size_t unfound_count, uint32_t *targets, size_t room, size_t *used)
{
    struct reading reading = {packed, packed + length, FILLED};
    size_t count = 0, taken = 0;
    uint64_t most = 0;
    while (reading.place != reading.end) {
        if (count == room) {
            return NO_ROOM;
        }
        /* Such an object takes an index itself, before its first edge. */
        for (; taken < unfound_count && unfound[taken] <= (int64_t)count; taken++) {
            next_index++;
        }
        const uint64_t code = next_varint(&reading);
        const uint64_t half = code >> 1;
        const uint64_t target = code & 1 ? half : next_index - half;
        next_index += code == 0;
        most = target > most ? target : most;
        targets[count++] = (uint32_t)target;
    }
    if (reading.state != FILLED) {
        return reading.state;
    }
    *used = count;
    return most > UINT32_MAX ? TOO_LARGE : FILLED;
}
