/* names.c: the table of names. */
#ifndef OPS_WALKER_NAMES_H
#define OPS_WALKER_NAMES_H

#include "walker.h"

#define NAMES_MAX (1u << 19)

typedef struct {
    const void *text; /* a str, or the characters themselves */
    uint32_t hash;
    uint32_t number : 31;
    uint32_t is_literal : 1;
} NameEntry;

/* Cache of the latest strings and their numbers: many names share one string. */
#define NAMES_RECENT 4096u

typedef struct {
    const PyObject *object;
    uint32_t number;
} RecentName;

typedef struct {
    NameEntry *slots;
    size_t capacity;
    uint32_t count;
    RecentName *recent; /* by address */
} Names;

/* Number of a name; 0 if it is not an identifier or the table is full. */
uint32_t name_number(Walk *walk, PyObject *text);
uint32_t name_number_dotted(Walk *walk, PyObject *text);
uint32_t name_number_literal(Walk *walk, const char *literal);

#endif
