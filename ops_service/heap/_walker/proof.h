/* proof.c: checks that the layout fits the running interpreter. */
#ifndef OPS_WALKER_PROOF_H
#define OPS_WALKER_PROOF_H

#include "walker.h"

/* Members of the tuple that the parent plants; heap/engine.py creates it. */
enum {
    PLANT_INSTANCE, /* attributes "first" and "second", no __dict__ object yet */
    PLANT_FIRST,
    PLANT_SECOND,
    PLANT_DICTED, /* the same, with a __dict__ object */
    PLANT_STRING_DICT, /* {KEY: VALUE} */
    PLANT_GENERAL_DICT, /* {KEY: VALUE, another: ...} with a key that is not a string */
    PLANT_KEY,
    PLANT_VALUE,
    PLANT_LIST,
    PLANT_ITEM,
    PLANT_SLOTTED, /* one slot, holding VALUE */
    PLANT_TRACKED, /* an object that the collector tracks */
    PLANT_CALLBACKS, /* gc.callbacks */
    PLANT_CODE, /* code of the running function that plants all this */
    PLANT_LOCAL, /* value of its local "planted_local" */
    PLANT_GENERATOR, /* suspended, its local "planted_local" is LOCAL */
    PLANT_FUNCTION, /* a function whose code is FUNCTION_CODE */
    PLANT_FUNCTION_CODE,
    PLANT_FROZEN, /* gc.get_freeze_count() */
    PLANT_SIZES, /* ((object, sys.getsizeof(object)), ...) */
    PLANT_CLASS_DICT_HAS, /* a class whose namespace maps KEY to VALUE */
    PLANT_FROZEN_DICT, /* a frozendict {KEY: VALUE}; None where there is no such type */
    PLANT_RUNNING_LOOP, /* asyncio's running loop of the proving thread; None before CPython 3.14 */
    PLANT_COUNT,
};

/* Number of the first failed step; 0 if all succeeded. */
int proof_run(Walk *walk);
const char *proof_step_name(int step);

#endif
