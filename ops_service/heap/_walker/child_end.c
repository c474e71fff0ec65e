/* Ends the child: stores its status in the page that the parent reads. */
#include "child_end.h"

#include <sys/syscall.h>
#include <unistd.h>

_Noreturn void
child_end(Shared *shared, Status status, int error_number)
{
    shared->error_number = (uint32_t)error_number;
    __atomic_store_n(&shared->status, (uint32_t)status, __ATOMIC_RELEASE);
    for (;;)
        syscall(SYS_exit_group, status == STATUS_DONE ? 0 : 1);
}
