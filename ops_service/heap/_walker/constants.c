/* Constants that the child writes and Python reads. The headers alone define them; this file
 * exports them to Python, and _walker.pyi declares their types.
 */
#include "constants.h"

#include "census.h"
#include "content.h"
#include "edges.h"
#include "lookup.h"
#include "path_table.h"
#include "proof.h"
#include "referrers.h"
#include "settings.h"
#include "shared.h"

#define SHARED(name) {#name, name}

static const struct {
    const char *name;
    long value;
} constants[] = {
    /* shared.h */
    SHARED(STATUS_RUNNING),
    SHARED(STATUS_DONE),
    SHARED(STATUS_OUT_OF_MEMORY),
    SHARED(STATUS_READER_GONE),
    SHARED(STATUS_OUTPUT_FAILED),
    SHARED(STATUS_CORRUPT),
    SHARED(STATUS_MISMATCH),
    SHARED(STATUS_MEMORY_BOUND),
    SHARED(STATUS_FAULT),
    SHARED(STATUS_PRESSURE),
    SHARED(STATUS_COPIED),
    SHARED(PHASE_NONE),
    SHARED(PHASE_SIZE),
    SHARED(PHASE_EDGES),
    SHARED(PHASE_MARK),
    SHARED(PHASE_TYPE),
    SHARED(PHASE_ROOT),
    SHARED(LEFT_OUT_THREADS),
    SHARED(LEFT_OUT_FRAMES),
    SHARED(LEFT_OUT_CALLBACKS),
    SHARED(LEFT_OUT_PART_NAMES),
    SHARED(LEFT_OUT_SITES),
    /* settings.h */
    SHARED(WALK_SNAPSHOT),
    SHARED(WALK_CENSUS),
    SHARED(WALK_GROWTH),
    SHARED(WALK_REFERRERS),
    SHARED(WALK_PROOF),
    /* edges.h */
    SHARED(EDGE_ELEMENT),
    SHARED(EDGE_KEY),
    SHARED(EDGE_VALUE),
    SHARED(EDGE_ATTRIBUTE),
    SHARED(EDGE_SLOT),
    SHARED(EDGE_LOCAL),
    SHARED(EDGE_CELL),
    SHARED(EDGE_INTERNAL),
    SHARED(EDGE_WEAK),
    SHARED(EDGE_ROOT),
    /* path_table.h */
    SHARED(PATH_MODULES),
    SHARED(PATH_INTERPRETER),
    SHARED(PATH_THREADS),
    SHARED(PATH_HELD_BY_C),
    SHARED(PATH_GARBAGE),
    SHARED(PATH_FROZEN_GARBAGE),
    SHARED(PATH_OWN),
    SHARED(PATH_OTHER),
    SHARED(PATH_OTHERS),
    SHARED(PATH_FIRST),
    /* referrers.h */
    SHARED(REFERRERS_END),
    SHARED(REFERRERS_OBJECT),
    SHARED(REFERRERS_MODULES),
    SHARED(REFERRERS_INTERPRETER),
    SHARED(REFERRERS_THREAD),
    SHARED(REFERRERS_FRAME),
    SHARED(REFERRERS_OWN),
    SHARED(REFERRERS_HELD_BY_C),
    SHARED(REFERRERS_GARBAGE),
    SHARED(REFERRERS_OTHER_INTERPRETER),
    SHARED(REFERRERS_WAY),
    SHARED(REFERRERS_TYPE),
    /* census.h */
    SHARED(CENSUS_ESTIMATED),
    SHARED(CENSUS_OWN),
    /* content.h */
    SHARED(CONTENT_LEVEL_NONE),
    SHARED(CONTENT_LEVEL_KEYS),
    SHARED(CONTENT_LEVEL_VALUES),
    /* lookup.h */
    SHARED(LOOKUP_FOUND),
    SHARED(LOOKUP_UNKNOWN_ID),
    SHARED(LOOKUP_NOT_TRACKED),
    SHARED(LOOKUP_OTHER_TYPE),
    SHARED(LOOKUP_PAST_LIMIT),
    /* proof.h */
    SHARED(PLANT_INSTANCE),
    SHARED(PLANT_FIRST),
    SHARED(PLANT_SECOND),
    SHARED(PLANT_DICTED),
    SHARED(PLANT_STRING_DICT),
    SHARED(PLANT_GENERAL_DICT),
    SHARED(PLANT_KEY),
    SHARED(PLANT_VALUE),
    SHARED(PLANT_LIST),
    SHARED(PLANT_ITEM),
    SHARED(PLANT_SLOTTED),
    SHARED(PLANT_TRACKED),
    SHARED(PLANT_CALLBACKS),
    SHARED(PLANT_CODE),
    SHARED(PLANT_LOCAL),
    SHARED(PLANT_GENERATOR),
    SHARED(PLANT_FUNCTION),
    SHARED(PLANT_FUNCTION_CODE),
    SHARED(PLANT_FROZEN),
    SHARED(PLANT_SIZES),
    SHARED(PLANT_CLASS_DICT_HAS),
    SHARED(PLANT_FROZEN_DICT),
    SHARED(PLANT_RUNNING_LOOP),
};

int
constants_add(PyObject *module)
{
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0)
            return -1;
    return PyModule_AddStringConstant(module, "UNREADABLE", TYPE_UNREADABLE);
}
