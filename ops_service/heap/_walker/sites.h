/* sites.c: allocation sites of objects. */
#ifndef OPS_WALKER_SITES_H
#define OPS_WALKER_SITES_H

#include "walker.h"

typedef struct {
    layout_file file;
    unsigned line;
    uint32_t number;
} SiteEntry;

typedef struct {
    int on;
    Py_ssize_t moved; /* see layout_site */
    SiteEntry *slots;
    size_t capacity;
    uint32_t count;
} Sites;

void sites_open(Walk *walk);
/* Number of the line that allocated an object; 0 if unknown. */
uint32_t site_number(Walk *walk, PyObject *object);
/* The site as "file:line", without giving it a number; 0 if unknown. */
size_t site_text(const Walk *walk, PyObject *object, char *room, size_t capacity);

#endif
