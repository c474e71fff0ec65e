/* Checks the bounds of a walk while it runs: the parent is alive, the host has
 * memory left, and the child keeps to its share of the CPU.
 */
#include "bounds.h"

#include "child_end.h"
#include "cow.h"
#include "files.h"

#include <time.h>
#include <unistd.h>

#define LOOK_SECONDS 0.05
#define REST_SECONDS 0.02
/* The period of CFS, unless somebody has changed it. */
#define QUOTA_PERIOD_NS 100000000L
/* Waking up costs time, which must be rested for too. */
#define REST_MIN_SECONDS 0.004

static double
clock_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int
is_short(const MemoryBound *bound)
{
    char room[FILE_ROOM];
    if (!file_read(bound->usage_path, room))
        return 0;
    if (bound->field[0] != 0 && bound->stat_path[0] == 0)
        /* The file itself holds the memory that is left, in KiB. */
        return field_of(room, bound->field) * 1024 < bound->bytes;
    uint64_t used = number_at(room);
    /* The kernel reclaims unused file pages before it kills any process. */
    uint64_t stale = file_read(bound->stat_path, room) ? field_of(room, bound->field) : 0;
    return used > stale && used - stale > bound->bytes;
}

/* Checks at most once per LOOK_SECONDS: reading the files is expensive. */
static void
look(Walk *walk, double now)
{
    const Settings *settings = walk->settings;
    if (now - walk->looked < LOOK_SECONDS)
        return;
    walk->looked = now;
    if (getppid() != settings->host)
        child_end(walk->shared, STATUS_READER_GONE, 0);
    for (int i = 0; i < settings->bounds.memory_count; i++)
        if (is_short(&settings->bounds.memory[i]))
            child_end(walk->shared, STATUS_PRESSURE, 0);
    cow_check(walk, now);
}

/* Seconds by which CPU time is ahead of the share. Counts the child and the code
 * that forwards its output. */
static double
ahead(const Walk *walk, double now)
{
    double spent = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) +
                   (double)walk->shared->spent_microseconds * 1e-6;
    return spent / walk->settings->bounds.cpu_rate - (now - walk->began);
}

void
bounds_begin(Walk *walk)
{
    if (walk->settings->bounds.cpu_rate <= 0)
        return;
    struct timespec period = {.tv_sec = 0, .tv_nsec = QUOTA_PERIOD_NS};
    nanosleep(&period, NULL);
}

void
bounds_check(Walk *walk)
{
    double now = clock_seconds(CLOCK_MONOTONIC);
    if (walk->began == 0)
        walk->began = now;
    look(walk, now);
    if (walk->settings->bounds.cpu_rate <= 0)
        return;
    for (double wait; (wait = ahead(walk, now)) > 0; now = clock_seconds(CLOCK_MONOTONIC)) {
        /* Rest in short steps: look() must run in between, and the parent keeps
         * spending. */
        if (wait > REST_SECONDS)
            wait = REST_SECONDS;
        if (wait < REST_MIN_SECONDS)
            wait = REST_MIN_SECONDS;
        struct timespec rest = {.tv_sec = 0, .tv_nsec = (long)(wait * 1e9)};
        nanosleep(&rest, NULL);
        look(walk, clock_seconds(CLOCK_MONOTONIC));
    }
}
