import CChecksum
import Testing

@Suite struct ChecksumTests {
    static let known: [([UInt8], UInt32)] = [
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        (Array(0..<32), 0x46DD_794E),
        (Array((0..<32).reversed()), 0x113F_DB5C),
        (Array("123456789".utf8), 0xE306_9283),
    ]

    @Test("CRC-32C gives the values of RFC 3720, appendix B.4", arguments: known)
    func vectors(bytes: [UInt8], expected: UInt32) {
        #expect(cchecksum_crc32c(0, bytes, bytes.count) == expected)
    }

    @Test("A checksum goes on over any cut, at any length and alignment")
    func continuation() {
        let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 7) }
        for length in [0, 1, 7, 8, 9, 255, 1023, 3071, 3073, 24_575, 24_576, 24_577, 70_000] {
            let whole = cchecksum_crc32c(0, bytes, length)
            let slow = ~bytes[..<length].reduce(UInt32.max) { crc, byte in
                (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
            }
            #expect(whole == slow)
            for cut in [0, 1, length / 3, length / 2, length].filter({ $0 <= length }) {
                let parts = bytes.withUnsafeBytes { raw in
                    cchecksum_crc32c(cchecksum_crc32c(0, raw.baseAddress, cut), raw.baseAddress! + cut, length - cut)
                }
                #expect(parts == whole)
            }
        }
    }
}
