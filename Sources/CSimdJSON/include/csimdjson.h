#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A simdjson DOM parser with the document it last filled.
typedef struct csimdjson_parser csimdjson_parser;

/// What one parse left behind; valid until the next parse with the same parser.
///
/// `tape` and `strings` are simdjson's own (its doc/tape.md). `structurals` holds the source offset of every
/// structural character and of the first byte of every scalar, in document order: walked in step with the tape
/// it gives each value its place and its original text, which the tape alone does not keep.
typedef struct {
    const uint64_t *tape;
    const uint8_t *strings;
    const uint32_t *structurals;
    uint32_t structural_count;
} csimdjson_document;

/// `max_capacity`: the longest document in bytes that will be parsed. NULL when memory is short.
csimdjson_parser *csimdjson_create(size_t max_capacity, size_t max_depth);
void csimdjson_destroy(csimdjson_parser *parser);

/// Parses exactly `length` bytes. `csimdjson_padding()` bytes behind them must be readable.
/// Returns 0 or simdjson's error code.
int csimdjson_parse(csimdjson_parser *parser, const uint8_t *bytes, size_t length, csimdjson_document *document);

/// simdjson's words for an error code; static storage.
const char *csimdjson_error_message(int code);

size_t csimdjson_padding(void);

/// Marks the bytes that can join a key and its value inside a text, `=`, `:`, `<` and `%`, and in every run of three or
/// more dashes one at least: bit `n % 64` of word `n / 64` is set where byte `n` is one. `marks` has room for `length / 64 + 1` words; what lies behind `length` is undefined,
/// and 64 bytes behind `length` must be readable. Returns 1 when a backslash is among the bytes, else 0.
int csimdjson_mark_signs(const uint8_t *bytes, size_t length, uint64_t *marks);

#ifdef __cplusplus
}
#endif

#endif
