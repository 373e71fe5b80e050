/// Where bytes stop being UTF-8 (RFC 3629: shortest form, no surrogates, nothing above U+10FFFF).
public enum UTF8Check {
    /// Offset of the first byte that begins an ill-formed sequence; `nil` when all is well.
    public static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var at = 0
        while at < bytes.count {
            if at + 8 <= bytes.count, bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
                at += 8
                continue
            }
            guard let length = sequenceLength(bytes, at) else { return at }
            at += length
        }
        return nil
    }

    /// Length of the well-formed sequence at `at`, after table 3-7 of the Unicode Standard.
    static func sequenceLength(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Int? {
        let first = bytes[at]
        if first < 0x80 { return 1 }
        let length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0
        guard length > 0, at + length <= bytes.count else { return nil }
        let second = bytes[at + 1]
        let low: UInt8 = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80
        let high: UInt8 = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF
        guard second >= low, second <= high else { return nil }
        for index in 2..<max(2, length) where bytes[at + index] & 0xC0 != 0x80 { return nil }
        return length
    }
}
