/* Sums along the dominator tree. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

void
retain(size_t object_count, const uint32_t *dominators, const uint32_t *order, uint64_t *sizes)
{
    for (size_t place = object_count; place > 0; place--) {
        const uint32_t object = order[place - 1];
        const uint32_t dominator = dominators[object];
        if (dominator < object_count) {
            sizes[dominator] += sizes[object];
        }
    }
}

/* The inverted tree: for each object, its first child and its next sibling. */
struct family {
    uint32_t child;
    uint32_t sibling;
};

static void
grow_tree(size_t object_count, const uint32_t *dominators, const uint32_t *order,
          struct family *families)
{
    const uint32_t none = (uint32_t)object_count;
    for (size_t object = 0; object <= object_count; object++) {
        families[object].child = families[object].sibling = none;
    }
    for (size_t place = object_count; place > 0; place--) {
        const uint32_t object = order[place - 1];
        struct family *above = &families[dominators[object]];
        families[object].sibling = above->child;
        above->child = object;
    }
}

enum outcome
retain_by_type(size_t object_count, const uint32_t *dominators, const uint32_t *order,
               const uint64_t *retained, const uint32_t *types, size_t type_count,
               uint64_t *sums, const struct stop *stop)
{
    const uint32_t none = (uint32_t)object_count;
    struct family *families = malloc((object_count + 1) * sizeof *families);
    /* For each type, the number of its objects between the root and the current
     * object. */
    uint32_t *open = calloc(type_count + 1, sizeof *open);
    if (families == NULL || open == NULL) {
        free(families);
        free(open);
        return NO_MEMORY;
    }
    grow_tree(object_count, dominators, order, families);
    memset(sums, 0, type_count * sizeof *sums);
    enum outcome outcome = DONE;
    /* In a tree, the walk enters and leaves each object once. */
    size_t step = 0, climbs = 0;
    for (uint32_t object = families[none].child; object != none;) {
        const uint32_t type = types[object];
        if (open[type]++ == 0) {
            sums[type] += retained[object];
        }
        if (step == object_count) {
            outcome = NO_TREE;
            break;
        }
        if (should_stop(stop, ++step)) {
            outcome = INTERRUPTED;
            break;
        }
        if (families[object].child != none) {
            object = families[object].child;
            continue;
        }
        /* Climb until there is a sibling. */
        while (object != none && climbs++ < object_count) {
            open[types[object]]--;
            if (families[object].sibling != none) {
                object = families[object].sibling;
                break;
            }
            object = dominators[object];
        }
    }
    free(families);
    free(open);
    return outcome;
}
