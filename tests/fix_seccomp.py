"""A seccomp filter for hosts whose profile allows new threads but no new processes."""

REFUSE_PROCESSES = '''
import ctypes, errno, platform, struct
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ARCHITECTURE, NUMBER, FIRST_ARGUMENT = 4, 0, 16
CLONE_THREAD = 0x10000
# Audit architecture, seccomp, clone, fork, vfork; the last two are not everywhere.
NUMBERS = {
    "x86_64": (0xC000003E, 317, 56, 57, 58),
    "aarch64": (0xC00000B7, 277, 220, 220, 220),
}
CLONE3 = 435


def refuse_processes():
    """0, or why the system refuses the filter."""
    if platform.machine() not in NUMBERS:
        return errno.ENOSYS
    audit, seccomp, clone, fork, vfork = NUMBERS[platform.machine()]
    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 0, 5, audit),
        (LOAD, 0, 0, NUMBER),
        # libc takes clone then, whose flags a filter can see.
        (EQUAL, 8, 0, CLONE3),
        (EQUAL, 3, 0, clone),
        (EQUAL, 4, 0, fork),
        (EQUAL, 3, 0, vfork),
        (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 1, 0, CLONE_THREAD),
        (RETURN, 0, 0, REFUSE | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE | errno.ENOSYS),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
    )
    libc = ctypes.CDLL(None, use_errno=True)
    set_no_new_privileges, set_filter, of_all_threads = 38, 1, 1
    if libc.prctl(set_no_new_privileges, 1, 0, 0, 0):
        return ctypes.get_errno()
    if libc.syscall(seccomp, set_filter, of_all_threads, program):
        return ctypes.get_errno()
    return 0


answer = refuse_processes()
'''
"""Statements for `Host.run`. After them the host cannot start a process."""
