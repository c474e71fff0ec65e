/* Hashes of str and bytes: they allow counting equal strings without showing them.
 *
 * SipHash-2-4 of Aumasson and Bernstein. The child draws the key and keeps it, so
 * nobody can verify a guess at the content with the hash.
 */
#include "hash.h"

#include "bounds.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Check the bounds of the child once per this many bytes. */
#define STEP_BYTES (1u << 20)

typedef struct {
    uint64_t v[4];
} Sip;

void
hashes_open(Walk *walk)
{
    Hashing *hashing = &walk->snapshot.hashing;
    if (!walk->settings->snapshot.hash_strings)
        return;
    long drawn = syscall(SYS_getrandom, hashing->key, sizeof hashing->key, 0);
    hashing->on = drawn == (long)sizeof hashing->key;
    walk->shared->hashes_made = (uint64_t)hashing->on;
}

static inline uint64_t
rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline void
sip_rounds(Sip *sip, int count)
{
    uint64_t *v = sip->v;
    for (int i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static inline void
sip_word(Sip *sip, uint64_t word)
{
    sip->v[3] ^= word;
    sip_rounds(sip, 2);
    sip->v[0] ^= word;
}

static uint64_t
little_endian(const uint8_t *from, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)from[i] << (8 * i);
    return word;
}

uint64_t
hash_data(Walk *walk, const uint64_t key[2], uint64_t tag, const uint8_t *data, size_t size)
{
    Sip sip = {{key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)}};
    sip_word(&sip, tag);
    size_t at = 0;
    for (; size - at >= 8; at += 8) {
        sip_word(&sip, little_endian(data + at, 8));
        if (at % STEP_BYTES == STEP_BYTES - 8)
            bounds_check(walk);
    }
    sip_word(&sip, little_endian(data + at, size - at) | (uint64_t)(size + 8) << 56);
    sip.v[2] ^= 0xFF;
    sip_rounds(&sip, 4);
    return sip.v[0] ^ sip.v[1] ^ sip.v[2] ^ sip.v[3];
}
