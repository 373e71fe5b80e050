#include "cchecksum.h"

#include <string.h>

static uint32_t table[256];

__attribute__((constructor)) static void fill_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) { crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u))); }
        table[i] = crc;
    }
}

static uint32_t by_table(uint32_t crc, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) { crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xFF]; }
    return crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *bytes, size_t length) {
    uint64_t wide = crc;
    for (; length >= 8; length -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; length > 0; length--, bytes++) { crc = _mm_crc32_u8(crc, *bytes); }
    return crc;
}

static int has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

static uint32_t by_instruction(uint32_t crc, const uint8_t *bytes, size_t length) {
    for (; length >= 8; length -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        crc = __crc32cd(crc, word);
    }
    for (; length > 0; length--, bytes++) { crc = __crc32cb(crc, *bytes); }
    return crc;
}

static int has_instruction(void) { return 1; }

#else

static uint32_t by_instruction(uint32_t crc, const uint8_t *bytes, size_t length) { return by_table(crc, bytes, length); }
static int has_instruction(void) { return 0; }

#endif

uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t length) {
    crc = ~crc;
    crc = has_instruction() ? by_instruction(crc, bytes, length) : by_table(crc, bytes, length);
    return ~crc;
}
