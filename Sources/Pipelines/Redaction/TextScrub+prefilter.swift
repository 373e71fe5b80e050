extension TextScrub {
    /// Whether a text can hold a secret at all: `=`, `:`, `<`, `%`, or the line breaks and backslashes of what is wrapped.
    /// Asked for every string of every event, so sixteen bytes are compared at a time; shorter ones by two loads that
    /// overlap.
    @inline(__always)
    static func mayHoldSecrets(_ text: UnsafeRawBufferPointer) -> Bool {
        let count = text.count
        if count >= 16 {
            var at = 0
            while at + 16 <= count {
                if hasSign(text.loadUnaligned(fromByteOffset: at, as: SIMD16<UInt8>.self)) { return true }
                at += 16
            }
            return at < count && hasSign(text.loadUnaligned(fromByteOffset: count - 16, as: SIMD16<UInt8>.self))
        }
        if count >= 8 {
            let ends = SIMD2(
                text.loadUnaligned(fromByteOffset: 0, as: UInt64.self), text.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
            return hasSign(unsafeBitCast(ends, to: SIMD16<UInt8>.self))
        }
        // The shortest that holds one is `pin=1`.
        guard count >= 5 else { return false }
        let first = text.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
        let last = text.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
        return hasSign(unsafeBitCast(SIMD4(first, last, first, last), to: SIMD16<UInt8>.self))
    }

    @inline(__always)
    private static func hasSign(_ bytes: SIMD16<UInt8>) -> Bool {
        let found =
            (bytes .== UInt8(ascii: "=")) .| (bytes .== UInt8(ascii: ":")) .| (bytes .== UInt8(ascii: "<")) .| (bytes .== UInt8(ascii: "%"))
            .| (bytes .== 0x0A) .| (bytes .== UInt8(ascii: "\\"))
        let words = unsafeBitCast(found, to: SIMD2<UInt64>.self)
        return words[0] | words[1] != 0
    }
}
