/* Measures the cost of copy-on-write: pages that exist twice because of the child.
 *
 * At the clone, child and host share every page. When the host writes to a page or frees
 * it, the page becomes private to the child; so does a page that the child writes to.
 * The system counts these pages and the child's own tables as private. To get the first
 * alone, subtract the tables: the growth of the child's anonymous memory.
 */
#include "cow.h"

#include "child_end.h"
#include "files.h"
#include "walk.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define MEASURE_SECONDS 0.05
/* Maximum share of the child's time for measuring. */
#define MEASURE_SHARE 0.05
/* Within a quota, the child gets a part of each second, and the share applies to that
 * part. The check still runs at least once per this many seconds. */
#define PACED_REST_MAX 1.0

static double
cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Anonymous memory of this process in bytes; 0 if the system does not report it. */
static uint64_t
anonymous_bytes(void)
{
    char room[FILE_ROOM];
    if (!file_read("/proc/self/statm", room))
        return 0;
    /* Pages: total, resident, resident file pages. */
    const char *resident = strchr(room, ' ');
    const char *of_files = resident == NULL ? NULL : strchr(resident + 1, ' ');
    if (of_files == NULL)
        return 0;
    uint64_t all = number_at(resident), files = number_at(of_files);
    return all > files ? (all - files) * (uint64_t)getpagesize() : 0;
}

void
cow_begin(Walk *walk)
{
    walk->anonymous_before = anonymous_bytes();
}

void
cow_measure(Walk *walk)
{
    char room[FILE_ROOM];
    uint64_t before = walk->anonymous_before;
    if (before == 0 || !file_read("/proc/self/smaps_rollup", room))
        return;
    uint64_t private = field_of(room, "Private_Dirty") * 1024;
    uint64_t now = anonymous_bytes();
    uint64_t tables = now > before ? now - before : 0;
    walk->shared->copied = private > tables ? private - tables : 0;
    walk->shared->copied_known = 1;
}

void
cow_check(Walk *walk, double now)
{
    uint64_t limit = walk->settings->bounds.copied;
    if (walk->measure_next == 0)
        walk->measure_next = walk->began + MEASURE_SECONDS;
    if (limit == 0 || now < walk->measure_next)
        return;
    double began = cpu_seconds();
    cow_measure(walk);
    double rest = (cpu_seconds() - began) / MEASURE_SHARE;
    double rate = walk->settings->bounds.cpu_rate;
    if (rate > 0 && rate < 1 && rest < PACED_REST_MAX)
        rest = rest < PACED_REST_MAX * rate ? rest / rate : PACED_REST_MAX;
    walk->measure_next = now + (rest > MEASURE_SECONDS ? rest : MEASURE_SECONDS);
    if (walk->shared->copied > limit)
        child_end(walk->shared, STATUS_COPIED, 0);
}
