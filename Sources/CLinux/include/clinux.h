#pragma once
#include <fcntl.h>
// What Linux has and Swift's Glibc module leaves out.
#include <sched.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

// Declared by <string.h> under _GNU_SOURCE only.
extern void *memmem(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);
// Declared by <unistd.h> under _DEFAULT_SOURCE only.
extern long syscall(long number, ...);
// Defined by <sched.h> under _GNU_SOURCE only.
#ifndef SCHED_IDLE
#define SCHED_IDLE 5
#endif

/// O_DIRECT of open(2), which <fcntl.h> names so under _GNU_SOURCE only; its value differs between processors.
static const int clinux_o_direct = __O_DIRECT;

/// Names the calling thread for top, perf and `daybook bench`; 15 bytes are kept. prctl is variadic, which Swift
/// cannot call, and Foundation's Thread.name does not reach the kernel when it is set before the start.
static inline void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// The calling thread runs only when no other wants to (sched(7), SCHED_IDLE), its reads and writes too where the disk's
/// scheduler knows priorities. It cannot go back. Best effort: where it is refused, the thread keeps its priority.
static inline void clinux_idle_priority(void) {
    struct sched_param parameters = {.sched_priority = 0};
    sched_setscheduler(0, SCHED_IDLE, &parameters);
    // IOPRIO_WHO_PROCESS, 0: this thread; IOPRIO_CLASS_IDLE. glibc has no wrapper.
    syscall(SYS_ioprio_set, 1, 0, 3 << 13);
}

/// Two names change places in one step; -1 and errno where the file system has no such step.
static inline int clinux_exchange(const char *left, const char *right) {
    // RENAME_EXCHANGE of <linux/fs.h>; glibc declares renameat2 under _GNU_SOURCE only.
    return (int)syscall(SYS_renameat2, AT_FDCWD, left, AT_FDCWD, right, 1 << 1);
}
