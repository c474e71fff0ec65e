/* Looks after the bounds of the walk while it runs: is the parent alive, is there
 * memory left for the host, is the share of the CPU kept?
 */
#include "walker.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_SECONDS 0.05
#define SLEEP_MAX_SECONDS 0.1
#define FILE_ROOM 4096

static double
clock_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int
read_file(const char *path, char *room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, room, FILE_ROOM - 1);
    close(fd);
    if (length <= 0)
        return 0;
    room[length] = 0;
    return 1;
}

static uint64_t
number_at(const char *text)
{
    uint64_t value = 0;
    while (*text == ' ')
        text++;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    return value;
}

/* The number behind a name at the beginning of a line; 0 without one. */
static uint64_t
field_of(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, name, length) == 0 && (line[length] == ' ' || line[length] == ':'))
            return number_at(line + length + 1);
    }
    return 0;
}

static int
is_short(const MemoryBound *bound)
{
    char room[FILE_ROOM];
    if (!read_file(bound->usage_path, room))
        return 0;
    if (bound->field[0] != 0 && bound->stat_path[0] == 0)
        /* What is left stands in the file itself, in KiB. */
        return field_of(room, bound->field) * 1024 < bound->bytes;
    uint64_t used = number_at(room);
    /* Pages of files that nobody uses are given back before anybody is killed. */
    uint64_t stale = read_file(bound->stat_path, room) ? field_of(room, bound->field) : 0;
    return used > stale && used - stale > bound->bytes;
}

static void
keep_pace(double now, double began, double rate)
{
    double cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    double ahead = cpu / rate - (now - began);
    if (ahead <= 0)
        return;
    if (ahead > SLEEP_MAX_SECONDS)
        ahead = SLEEP_MAX_SECONDS;
    struct timespec rest = {.tv_sec = 0, .tv_nsec = (long)(ahead * 1e9)};
    nanosleep(&rest, NULL);
}

void
bounds_check(Walk *walk)
{
    const Settings *settings = walk->settings;
    double now = clock_seconds(CLOCK_MONOTONIC);
    if (walk->began == 0)
        walk->began = now;
    if (settings->cpu_rate > 0)
        keep_pace(now, walk->began, settings->cpu_rate);
    if (now - walk->looked < LOOK_SECONDS)
        return;
    walk->looked = now;
    if (getppid() != settings->host)
        child_end(walk->shared, STATUS_READER_GONE, 0);
    for (int i = 0; i < settings->memory_bound_count; i++)
        if (is_short(&settings->memory_bounds[i]))
            child_end(walk->shared, STATUS_PRESSURE, 0);
}
