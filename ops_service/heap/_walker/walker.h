/* The heap walker: what all of its files build on, and a map of them.
 *
 * A walk runs in a child that shares nothing with the interpreter's locks: no malloc, no
 * stdio, no Python code. All its memory is mapped. Four kinds of walks differ in
 * what they do with a reference, a new name and a new type: see sink.h. The fields of each
 * kind stand in a struct of its own: see walk.h.
 *
 * From the bottom up. No file calls one below it in this list.
 *
 *   child_end.c         how a child ends
 *   files.c             small files of the system
 *   cow.c               what copy-on-write cost
 *   bounds.c            memory left, pace, parent
 *   memory.c            mappings, and output
 *   queue.c             objects that wait
 *   visited.c           what was seen already
 *   type_name.c         names of types
 *   lookup.c            from an id to the live object, in the process itself
 *   emit_snapshot.c     rows, and batches of them
 *   emit_definitions.c  types, names and roots in a batch
 *   path_strings.c      the strings of the table of paths
 *   path_trie.c         its nodes
 *   names.c             the table of names
 *   types.c             what is known of a type
 *   arrays.c            NumPy's arrays, and their sizes
 *   sizes.c             what sys.getsizeof says
 *   sites.c             where objects were allocated
 *   namespaces.c        dicts whose keys are names
 *   hash.c              hashes of strings
 *   content.c           what strings and the like hold
 *   deferred_edges.c    edges that wait for the end
 *   sink_snapshot.c     what each kind of walk does with a reference
 *   sink_census.c
 *   sink_growth.c
 *   sink_referrers.c
 *   parts.c             names of the parts of functions, types, frames ...
 *   array_edges.c       what an array refers to
 *   edges.c             what any object refers to
 *   roots.c             where a walk begins
 *   own.c               what is ops_service's own
 *   unreached.c         what no root reaches
 *   emit_census.c       what these kinds write at their end
 *   emit_growth.c
 *   emit_referrers.c
 *   walk_snapshot.c     in what order each kind reads the heap
 *   walk_census.c
 *   walk_growth.c
 *   walk_referrers.c
 *   proof.c             does the layout fit the running interpreter?
 *   child.c             the clone, and the life of the child around the walk
 *
 * The rest runs in the process itself, with the GIL held:
 *
 *   allocator.c         what CPython prints of its arenas
 *   constants.c         numbers that Python reads too
 *   child_handle.c      what the parent holds of a child
 *   path_table.c        what it holds of the table of paths
 *   module_state.c      what the module keeps
 *   start.c             starts a child
 *   module.c            the Python module
 */
#ifndef OPS_WALKER_H
#define OPS_WALKER_H

#include "layout.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Walk Walk;

#endif
