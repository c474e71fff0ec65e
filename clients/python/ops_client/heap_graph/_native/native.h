/* Heap graphs at native speed: declarations that the files of this module share.
 *
 * module.c       converts arguments and results of Python
 * dominators.c   immediate dominators of every object
 * retained.c     sums along the dominator tree
 * paths.c        shortest paths from the roots
 * varints.c      packed protobuf columns
 *
 * Only module.c uses Python's interface. The other files receive plain arrays whose
 * lengths were compared, and may be interrupted between steps.
 */
#ifndef OPS_CLIENT_NATIVE_H
#define OPS_CLIENT_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An edge that does not keep its target alive: EDGE_KIND_WEAK of the contract. */
#define WEAK_EDGE 9

enum outcome { DONE, NO_MEMORY, INTERRUPTED, NO_TREE };

/* Objects and edges, as in the columns of a HeapGraph. */
struct graph {
    size_t object_count;
    size_t edge_count;
    const int64_t *edge_starts;
    const uint32_t *edge_targets;
    const uint8_t *edge_kinds;
};

/* Returns whether to stop. Every long function calls it from time to time. */
typedef bool (*stop_function)(void *state);
struct stop {
    stop_function ask;
    void *state;
};

/* Number of objects between two calls. */
#define STOP_INTERVAL ((size_t)1 << 20)

static inline bool
should_stop(const struct stop *stop, size_t step)
{
    return step % STOP_INTERVAL == 0 && stop->ask(stop->state);
}

/* Immediate dominators. `order` receives the objects in an order in which each
 * follows its dominator. If no other object dominates an object, its dominator is
 * object_count. Objects that no root reaches count as roots, lowest index first. */
enum outcome dominate(const struct graph *graph, const uint32_t *roots, size_t root_count,
                      uint32_t *dominators, uint32_t *order, const struct stop *stop);

/* For each object, the sum of its own size and the sizes of the objects that it
 * dominates. */
void retain(size_t object_count, const uint32_t *dominators, const uint32_t *order,
            uint64_t *sizes);

/* For each type, the sum over its objects that no other object of the type
 * dominates. NO_TREE: dominators and order contradict each other. */
enum outcome retain_by_type(size_t object_count, const uint32_t *dominators,
                            const uint32_t *order, const uint64_t *retained,
                            const uint32_t *types, size_t type_count, uint64_t *sums,
                            const struct stop *stop);

/* The edge by which a breadth-first search finds each object; NO_EDGE for roots and
 * unreachable objects. The search starts roots in groups. `group_ends` holds the
 * end of each group. A later group only finds objects that no earlier group found. */
#define NO_EDGE UINT32_MAX
enum outcome find_paths(const struct graph *graph, const uint32_t *roots,
                        const size_t *group_ends, size_t group_count, uint32_t *parent_edges,
                        const struct stop *stop);

/* Number of values in a packed column, and the bytes of the longest. -1: the last
 * value is cut off. -2: a value has more than 64 bits. */
int64_t measure_varints(const uint8_t *packed, size_t length, size_t *longest);

/* Unpack a column that measure_varints has accepted. */
void unpack_varints_32(const uint8_t *packed, size_t length, uint32_t *values);
void unpack_varints_64(const uint8_t *packed, size_t length, uint64_t *values);

/* Result of filling a column from a packed one. FILLED: the column holds `used` values.
 * CUT_OFF: the last value is cut off. TOO_LONG: a value has more than 64 bits.
 * TOO_LARGE: the column cannot hold a value. NO_ROOM: more values than room. */
enum filled { FILLED, CUT_OFF, TOO_LONG, TOO_LARGE, NO_ROOM };

enum filled fill_32(const uint8_t *packed, size_t length, uint32_t *values, size_t room,
                    size_t *used);
enum filled fill_64(const uint8_t *packed, size_t length, uint64_t *values, size_t room,
                    size_t *used);

/* Kinds from the lowest 4 bits, names from the bits above. */
enum filled fill_labels(const uint8_t *packed, size_t length, uint8_t *kinds, uint32_t *names,
                        size_t room, size_t *used);

/* Ids from their differences. */
enum filled fill_ids(const uint8_t *packed, size_t length, uint32_t *ids, size_t room,
                     size_t *used);

/* Targets from their encoding in edges, see HeapGraphBatch.edge_targets. `unfound`
 * holds the edges before which an object takes an index itself. */
enum filled fill_targets(const uint8_t *packed, size_t length, uint64_t next_index,
                         const int64_t *unfound, size_t unfound_count, uint32_t *targets,
                         size_t room, size_t *used);

/* Numbers as decimals with commas between: the bytes that they take, and the text
 * without a zero at its end. */
size_t measure_decimals(const uint32_t *numbers, size_t count);
void write_decimals(const uint32_t *numbers, size_t count, char *text);

#endif
