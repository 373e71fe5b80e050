#pragma once
#include <stddef.h>
#include <stdint.h>

/// Returned where nothing is found.
#define CSEARCH_NONE SIZE_MAX

/// Offset at or behind `from` of the first place in `bytes` that equals `needle` when bit 0x20 of every byte is ignored,
/// which tells the cases of ASCII letters apart and a few other characters. Each byte of `needle` has that bit set;
/// `length` is at least 1. Reads within `bytes` only.
size_t csearch_first(const uint8_t *bytes, size_t count, size_t from, const uint8_t *needle, size_t length);
