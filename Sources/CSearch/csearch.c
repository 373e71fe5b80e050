#include "csearch.h"

#include <stdbool.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static bool is_hit(const uint8_t *place, const uint8_t *needle, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if ((place[i] | 0x20) != needle[i]) return false;
    }
    return true;
}

// First and last byte of the needle in sixteen places at once, then the rest (Wojciech Muła, "SIMD-friendly algorithms
// for substring searching"). Swift compiles the same comparisons of SIMD16 lane by lane.
size_t csearch_first(const uint8_t *bytes, size_t count, size_t from, const uint8_t *needle, size_t length) {
    if (count < length || from > count - length) return CSEARCH_NONE;
    const size_t last = length - 1;
    size_t at = from;
#if defined(__SSE2__)
    const __m128i space = _mm_set1_epi8(0x20);
    const __m128i head = _mm_set1_epi8((char)needle[0]);
    const __m128i tail = _mm_set1_epi8((char)needle[last]);
    for (; at + last + 16 <= count; at += 16) {
        const __m128i left = _mm_or_si128(_mm_loadu_si128((const __m128i *)(bytes + at)), space);
        const __m128i right = _mm_or_si128(_mm_loadu_si128((const __m128i *)(bytes + at + last)), space);
        const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(left, head), _mm_cmpeq_epi8(right, tail));
        for (unsigned places = (unsigned)_mm_movemask_epi8(both); places != 0; places &= places - 1) {
            const size_t place = at + (size_t)__builtin_ctz(places);
            if (is_hit(bytes + place, needle, length)) return place;
        }
    }
#endif
    for (; at + last < count; at++) {
        if (is_hit(bytes + at, needle, length)) return at;
    }
    return CSEARCH_NONE;
}
