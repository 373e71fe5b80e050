#ifndef CCHECKSUM_H
#define CCHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4). Start with `crc` = 0; pass a result on to go on behind it.
/// Uses the processor's own instruction where there is one (SSE 4.2, ARMv8 CRC) and a table elsewhere.
uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t length);

#endif
