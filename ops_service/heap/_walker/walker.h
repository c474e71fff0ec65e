/* The heap walker: what its parts share.
 *
 *   module.c   the Python module: start a walk
 *   child.c    clone, and the life of the child around the walk
 *   proof.c    does the layout read by layout.h fit the running interpreter?
 *   walk_snapshot.c    the walk of a snapshot      walk_census.c  the walk of a census
 *   walk_growth.c    the walk of a growth sample path_trie.c    its table of paths
 *   emit_growth.c  what has changed in it    path_table.c  the parent's hold of it
 *   walk_referrers.c  the search for holders    emit_referrers.c  the ways that it found
 *   unreached.c  what no root reaches      own.c     what of it is ops_service's own
 *   roots.c    where a walk begins         edges.c   what an object refers to
 *   parts.c    names of the parts of functions, types, frames ...
 *   types.c    what is known of a type     sizes.c   what sys.getsizeof says
 *   arrays.c   NumPy's arrays
 *   names.c    the table of names          visited.c what was seen already
 *   queue.c    objects that wait           memory.c  mappings and output
 *   namespaces.c   dicts whose keys are names
 *   deferred_edges.c     edges that wait             sites.c   where objects were allocated
 *   content.c  what strings and the like hold          hash.c   hashes of strings
 *   emit_snapshot.c     protobuf batches            bounds.c  memory left, pace, parent
 *   cow.c   what copy-on-write cost       files.c   files of the system
 *   child_handle.c   what the parent holds of a child
 *   allocator.c   no part of a walk: what CPython prints of its arenas
 *
 * No part of a walk are allocator.c, what CPython prints of its arenas, and
 * lookup.c, from an id to the live object.
 *
 * A walk runs in a child that shares nothing with the interpreter's locks: no
 * malloc, no stdio, no Python code. All its memory comes from memory.c.
 */
#ifndef OPS_WALKER_H
#define OPS_WALKER_H

#include "layout.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Walk Walk;

/* Each of these rests on those before it. */
#include "gc_lists.h"
#include "memory.h"
#include "shared.h"
#include "visited.h"
#include "settings.h"
#include "names.h"
#include "types.h"
#include "queue.h"
#include "edges.h"
#include "content.h"
#include "emit_snapshot.h"
#include "walk.h"
#include "growth.h"
#include "referrers.h"
#include "child.h"
#include "cow.h"
#include "files.h"
#include "child_handle.h"
#include "lookup.h"

/* ---- allocator.c -------------------------------------------------------------- */

/* In the process itself, with the GIL held. */
PyObject *arena_statistics(PyObject *module, PyObject *ignored);

/* ---- arrays.c ----------------------------------------------------------------- */

/* In the process itself, with the GIL held. */
PyObject *learn_arrays(PyObject *module, PyObject *args);
void arrays_known(ArrayLayout *layout);
/* What sys.getsizeof says of an array. */
size_t array_size(const ArrayLayout *layout, PyObject *object);
/* What an array refers to: itself it tells the collector nothing. */
void array_edges(Walk *walk, PyObject *object);

#endif
