/* content.c and hash.c: contents, and hashes of strings, where they are asked for. */
#ifndef OPS_WALKER_CONTENT_H
#define OPS_WALKER_CONTENT_H

#define CONTENT_LIMIT_MAX 4096u

/* As ContentKind has them. */
enum {
    CONTENT_UNKNOWN = 0,
    CONTENT_TEXT = 1,
    CONTENT_BYTES = 2,
    CONTENT_INT = 3,
    CONTENT_FLOAT = 4,
    CONTENT_BOOL = 5,
    CONTENT_NONE = 6,
};

void contents_open(Walk *walk);
/* What kind of content instances of a type have. */
uint8_t content_kind(const PyTypeObject *type);
/* The characters of a str, their number, and the bytes that each takes; NULL if it
 * has none at hand. */
const void *content_characters(PyObject *text, size_t *length, unsigned *width);
/* Of the object whose row was begun last. */
void content_of_row(Walk *walk, PyObject *object, const TypeEntry *entry);
/* Of a key of the dict that is being read; its edge is written already. */
void content_of_key(Walk *walk, PyObject *key);

/* ---- hash.c ------------------------------------------------------------------ */

typedef struct {
    int on;
    uint64_t key[2];
} Hashing;

void hashes_open(Walk *walk);
void hash_of_row(Walk *walk, PyObject *object, uint8_t kind);
uint64_t hash_data(Walk *walk, const uint64_t key[2], uint64_t tag, const uint8_t *data,
                   size_t size);

#endif
