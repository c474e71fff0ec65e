/* The child: a clone of the process that walks its copy of the heap and ends.
 *
 * The clone shares with the host only pages that neither side writes to. It closes every
 * descriptor but the output. Its exit sends no signal, so a host that waits for its own
 * children never sees it. The child may fault, run out of memory or be killed; the host
 * only reads end of file.
 */
#include "child.h"

#include "bounds.h"
#include "census.h"
#include "child_end.h"
#include "cow.h"
#include "growth.h"
#include "memory.h"
#include "proof.h"
#include "referrers.h"
#include "roots.h"
#include "snapshot.h"
#include "type_name.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

/* No exit signal. Emulators know only SIGCHLD: tools/emulate_wheel.sh builds with it. */
#ifndef EXIT_SIGNAL
#define EXIT_SIGNAL 0
#endif

#define FAULT_STACK (128u << 10)
#define OPEN_FILES_MAX 1048576

/* The walk of this child: signal handlers can only reach it through a global. The parent
 * never sets it. */
static Walk *the_walk;
static volatile sig_atomic_t in_fault;

/* ---- faults -------------------------------------------------------------------- */

static void
note_opaque(Shared *shared, const char *const parts[2], const size_t lengths[2])
{
    uint32_t number = shared->opaque_count;
    if (number > OPAQUE_MAX)
        return;
    volatile char *to = shared->opaque[number];
    size_t at = 0;
    for (int i = 0; i < 2; i++) {
        for (size_t j = 0; j < lengths[i] && at < TYPE_NAME_ROOM - 2; j++)
            to[at++] = parts[i][j];
        if (i == 0 && lengths[0] > 0)
            to[at++] = '.';
    }
    to[at] = 0;
    shared->opaque_count = number + 1;
}

/* Gives up the type being read. Returns whether it was still in use. */
static int
give_up_type(Walk *walk)
{
    TypeEntry *entry = walk->reading;
    const char *parts[2];
    size_t lengths[2];
    if (entry == NULL)
        return 0;
    /* Many references may lead to unreadable objects. */
    int first = !entry->opaque || entry == walk->types.unreadable;
    type_name(entry->type, &parts[0], &lengths[0], &parts[1], &lengths[1]);
    note_opaque(walk->shared, parts, lengths);
    entry->opaque = 1;
    entry->shape = SHAPE_LEAF;
    return first;
}

/* Gives up something that is read only once, so the fault cannot repeat. */
static int
give_up_one(Shared *shared, const char *name)
{
    const char *const parts[2] = {"", name};
    const size_t lengths[2] = {0, strlen(name)};
    note_opaque(shared, parts, lengths);
    return 1;
}

static int
give_up(Walk *walk)
{
    switch (walk->phase) {
    case PHASE_NONE:
        /* The type read last is not the cause. */
        return 0;
    case PHASE_ROOT:
        return give_up_one(walk->shared, root_type(walk->entry));
    case PHASE_TYPE:
        return give_up_one(walk->shared, TYPE_UNREADABLE);
    default:
        return give_up_type(walk);
    }
}

static void
on_fault(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    Walk *walk = the_walk;
    Shared *shared = walk->shared;
    shared->fault_phase = walk->phase;
    shared->fault_address = (uintptr_t)info->si_addr;
    if (in_fault)
        child_end(shared, STATUS_FAULT, signal_number);
    in_fault = 1;
    if (!give_up(walk) || shared->opaque_count > OPAQUE_MAX)
        child_end(shared, STATUS_FAULT, signal_number);
    in_fault = 0;
    siglongjmp(walk->resume, 1);
}

static void
catch_faults(Walk *walk)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    stack_t stack = {.ss_sp = memory_map(walk, FAULT_STACK), .ss_size = FAULT_STACK};
    sigaltstack(&stack, NULL);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    /* The handler jumps out, so the signal must not stay blocked. */
    action.sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigaction(faults[i], &action, NULL);
}

/* ---- surroundings ----------------------------------------------------------------- */

static void
close_all_but(int output)
{
    long below = output > 0 ? syscall(SYS_close_range, 0u, (unsigned)output - 1, 0u) : 0;
    long above = syscall(SYS_close_range, (unsigned)output + 1, ~0u, 0u);
    if (below == 0 && above == 0)
        return;
    struct rlimit limit;
    int last = OPEN_FILES_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < OPEN_FILES_MAX)
        last = (int)limit.rlim_cur;
    for (int fd = 0; fd < last; fd++)
        if (fd != output)
            close(fd);
}

static void
reset_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL);
}

static void
bound_life(double seconds)
{
    struct itimerval timer;
    memset(&timer, 0, sizeof timer);
    timer.it_value.tv_sec = (time_t)seconds;
    timer.it_value.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6);
    if (timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0)
        timer.it_value.tv_usec = 1;
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void
lower_priority(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    setpriority(PRIO_PROCESS, 0, 19);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    if (fd >= 0) {
        ssize_t written = write(fd, "1000", 4);
        (void)written;
        close(fd);
    }
}

static void
count_others(Walk *walk)
{
    const Interpreters *all = &walk->interpreters;
    for (int i = 0; i < all->count; i++) {
        if (all->list[i].state == walk->settings->interp)
            continue;
        switch (all->list[i].gil) {
        case GIL_SHARED: walk->shared->others_read++; break;
        case GIL_OWN: walk->shared->others_own_gil++; break;
        case GIL_NONE: walk->shared->others_unready++; break;
        }
    }
    walk->shared->others_unknown = !all->whole;
}

static Walk *
walk_new(const Settings *settings)
{
    Walk *walk = mmap(NULL, sizeof(Walk), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (walk == MAP_FAILED)
        child_end(settings->shared, STATUS_OUT_OF_MEMORY, errno);
    walk->settings = settings;
    walk->shared = settings->shared;
    walk->kind = settings->kind;
    cow_begin(walk);
    walk->instance_traverse = settings->known.plain_class->tp_traverse;
    types_open(walk);
    visited_open(walk, &walk->visited);
    queue_open(walk, &walk->queue);
    interpreters_read(&walk->interpreters, settings->interp, located(walk));
    count_others(walk);
    return walk;
}

static void
run(Walk *walk)
{
    switch (walk->kind) {
    case WALK_SNAPSHOT:
        snapshot_walk(walk);
        break;
    case WALK_CENSUS:
        census_walk(walk);
        break;
    case WALK_GROWTH:
        growth_walk(walk);
        /* Growth samples do not report copied bytes, and measuring would take much of
         * their time. */
        return;
    case WALK_REFERRERS:
        referrers_walk(walk);
        break;
    default:
        child_end(walk->shared, STATUS_CORRUPT, 0);
    }
    cow_measure(walk);
}

static _Noreturn void
child_run(const Settings *settings)
{
    Shared *shared = settings->shared;
    /* Set the time limit first: it ends the child whatever goes wrong later. */
    sigset_t none;
    reset_signals();
    bound_life(settings->bounds.lifetime);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_all_but(settings->output);
    lower_priority();

    the_walk = walk_new(settings);
    catch_faults(the_walk);
    if (settings->kind == WALK_PROOF) {
        int failed = proof_run(the_walk);
        shared->proof_step = (uint64_t)failed;
        child_end(shared, failed == 0 ? STATUS_DONE : STATUS_MISMATCH, (int)shared->error_number);
    }
    bounds_begin(the_walk);
    run(the_walk);
    child_end(shared, STATUS_DONE, 0);
}

/* No new stack: the child has a copy of this one. */
static long
clone_process(int *pidfd)
{
    long pid = syscall(SYS_clone, (unsigned long)CLONE_PIDFD | EXIT_SIGNAL, NULL, pidfd, NULL, NULL);
    /* Linux before 5.2 ignores the flag, emulations of Linux may refuse it, and there may
     * be no descriptor left. */
    if (pid < 0 && (errno == EINVAL || errno == EMFILE || errno == ENFILE || errno == ENOSYS))
        pid = syscall(SYS_clone, (unsigned long)EXIT_SIGNAL, NULL, NULL, NULL, NULL);
    return pid;
}

long
child_start(Settings *settings, int *pidfd)
{
    /* Block signals meanwhile, so that no handler of the host runs in the child. */
    sigset_t all, before;
    sigfillset(&all);
    settings->host = getpid();
    pthread_sigmask(SIG_SETMASK, &all, &before);
    long pid = clone_process(pidfd);
    int error_number = errno;
    if (pid == 0)
        child_run(settings);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error_number;
    return pid;
}
