#pragma once
// What Linux has and Swift's Glibc module leaves out.
#include <stddef.h>
#include <sys/epoll.h>

// Declared by <string.h> under _GNU_SOURCE only.
extern void *memmem(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);
