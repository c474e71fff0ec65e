/* The heap walker: common declarations, and a map of its files.
 *
 * A walk runs in a child that takes none of the interpreter's locks: no malloc, no stdio, no
 * Python code. All its memory is mapped. Four kinds of walks differ in how they handle a
 * reference, a new name and a new type: see sink.h. The fields of each kind are in their own
 * struct: see walk.h.
 *
 * From the bottom up. No file calls one below it in this list.
 *
 *   child_end.c         ends a child
 *   files.c             small files of the system
 *   cow.c               the cost of copy-on-write
 *   bounds.c            checks memory, pace and parent
 *   interpreters.c      the interpreters of the process
 *   memory.c            mappings, and output
 *   queue.c             objects to read
 *   visited.c           the set of objects that were seen
 *   type_name.c         names of types
 *   lookup.c            finds a live object by id, in the process itself
 *   emit_snapshot.c     rows, and batches of them
 *   emit_definitions.c  types, names and roots in a batch
 *   path_strings.c      the strings of the table of paths
 *   path_trie.c         its nodes
 *   names.c             the table of names
 *   types.c             facts about a type
 *   arrays.c            NumPy's arrays, and their sizes
 *   sizes.c             sizes as sys.getsizeof returns them
 *   sites.c             allocation sites of objects
 *   namespaces.c        dicts whose keys are names
 *   hash.c              hashes of strings
 *   content.c           contents of strings and the like
 *   deferred_edges.c    edges that are written at the end
 *   sink_snapshot.c     how each kind of walk handles a reference
 *   sink_census.c
 *   sink_growth.c
 *   sink_referrers.c
 *   parts.c             names of the parts of functions, types, frames ...
 *   array_edges.c       references of an array
 *   edges.c             references of any object
 *   roots.c             starts of a walk
 *   root_edges.c        their references
 *   own.c               objects of ops_service that its roots do not reach
 *   unreached.c         objects that no root reaches
 *   emit_census.c       the output of these kinds, written at their end
 *   emit_growth.c
 *   emit_referrers.c
 *   walk_snapshot.c     the order in which each kind reads the heap
 *   walk_census.c
 *   walk_growth.c
 *   walk_referrers.c
 *   proof.c             checks that the layout fits the running interpreter
 *   child.c             the clone, and the life of the child around the walk
 *
 * The rest runs in the process itself, with the GIL held:
 *
 *   allocator.c         CPython's statistics of its arenas
 *   constants.c         numbers that Python reads too
 *   current_frames.c    the current frames of threads
 *   child_handle.c      the parent's handle of a child
 *   path_table.c        its handle of the table of paths
 *   module_state.c      state of the module
 *   start_arguments.c   the arguments of a call that starts a child
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
