#pragma once
// What Linux has and Swift's Glibc module leaves out.
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

// Declared by <string.h> under _GNU_SOURCE only.
extern void *memmem(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);

/// Names the calling thread for top, perf and `daybook bench`; 15 bytes are kept. prctl is variadic, which Swift
/// cannot call, and Foundation's Thread.name does not reach the kernel when it is set before the start.
static inline void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
