#include "csimdjson.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace {

#ifdef __SSE2__
/// SSE2 is what every x86-64 has. Swift's own SIMD16 compares lane by lane there.
struct Block {
    uint32_t signs;
    __m128i backslashes;

    explicit Block(const uint8_t *bytes) {
        const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes));
        // `<` and `=` differ in their last bit only.
        const __m128i brackets = _mm_cmpeq_epi8(_mm_or_si128(text, _mm_set1_epi8(1)), _mm_set1_epi8('='));
        const __m128i colons = _mm_cmpeq_epi8(text, _mm_set1_epi8(':'));
        const __m128i percents = _mm_cmpeq_epi8(text, _mm_set1_epi8('%'));
        // Pairs at even offsets: every run of three has one, and only one more compare is needed.
        const __m128i dashes = _mm_cmpeq_epi16(text, _mm_set1_epi16('-' << 8 | '-'));
        const __m128i pairs = _mm_or_si128(percents, dashes);
        signs = static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(brackets, _mm_or_si128(colons, pairs))));
        backslashes = _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'));
    }
};
#else
bool is_sign(uint8_t byte) { return byte == '=' || byte == ':' || byte == '<' || byte == '%'; }
#endif

}  // namespace

extern "C" int csimdjson_mark_signs(const uint8_t *bytes, size_t length, uint64_t *marks) {
#ifdef __SSE2__
    __m128i backslashes = _mm_setzero_si128();
    size_t at = 0;
    for (; at + 64 <= length; at += 64) {
        const Block a(bytes + at), b(bytes + at + 16), c(bytes + at + 32), d(bytes + at + 48);
        marks[at / 64] = a.signs | static_cast<uint64_t>(b.signs) << 16 | static_cast<uint64_t>(c.signs) << 32 |
                         static_cast<uint64_t>(d.signs) << 48;
        backslashes = _mm_or_si128(
            backslashes,
            _mm_or_si128(_mm_or_si128(a.backslashes, b.backslashes), _mm_or_si128(c.backslashes, d.backslashes)));
    }
    uint64_t last = 0;
    int has_backslash = _mm_movemask_epi8(backslashes) != 0;
    for (size_t block = at; block < length; block += 16) {
        const Block part(bytes + block);
        last |= static_cast<uint64_t>(part.signs) << (block - at);
        const uint32_t found = static_cast<uint32_t>(_mm_movemask_epi8(part.backslashes));
        const size_t rest = length - block;
        has_backslash |= (rest < 16 ? found & ((1u << rest) - 1) : found) != 0;
    }
    marks[at / 64] = last;
    return has_backslash;
#else
    int has_backslash = 0;
    for (size_t word = 0; word <= length / 64; word++) { marks[word] = 0; }
    for (size_t at = 0; at < length; at++) {
        const bool is_dash = bytes[at] == '-' && at + 1 < length && bytes[at + 1] == '-';
        marks[at / 64] |= static_cast<uint64_t>(is_sign(bytes[at]) || is_dash) << (at % 64);
        has_backslash |= bytes[at] == '\\';
    }
    return has_backslash;
#endif
}
