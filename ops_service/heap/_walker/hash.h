/* hash.c: hashes of strings. */
#ifndef OPS_WALKER_HASH_H
#define OPS_WALKER_HASH_H

#include "walker.h"

typedef struct {
    int on;
    uint64_t key[2];
} Hashing;

/* Draws the key, if the request asks for hashes. */
void hashes_open(Walk *walk);
/* Hash of eight bytes, the tag, followed by the data. */
uint64_t hash_data(Walk *walk, const uint64_t key[2], uint64_t tag, const uint8_t *data,
                   size_t size);

#endif
