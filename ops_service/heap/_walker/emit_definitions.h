/* emit_definitions.c: the definitions that rows of a snapshot refer to by number. */
#ifndef OPS_WALKER_EMIT_DEFINITIONS_H
#define OPS_WALKER_EMIT_DEFINITIONS_H

#include "types.h"

void emit_type(Walk *walk, TypeEntry *entry);
/* Defines a type for synthetic nodes, which are not objects; returns its number. */
uint32_t emit_synthetic_type(Walk *walk, const char *name);
void emit_name(Walk *walk, const char *text, size_t length);
void emit_root(Walk *walk, uint64_t row, int kind, const char *name, size_t length,
               uint64_t thread_id);
/* Defines the source line that allocated an object. */
void emit_site(Walk *walk, layout_file file, unsigned line);

#endif
