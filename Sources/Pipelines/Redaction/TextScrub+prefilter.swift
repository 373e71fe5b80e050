extension TextScrub {
    /// Whether a text can hold a secret at all: `=`, `:`, `<`, `%`, `--` as private keys begin, or the line breaks and
    /// backslashes of what is wrapped.
    /// Asked for every string of every event, so eight bytes are compared at a time, the last ones by a load that
    /// overlaps. (Swift's SIMD16 compares lane by lane here and took 15 µs an event.)
    @inline(__always)
    static func mayHoldSecrets(_ text: UnsafeRawBufferPointer) -> Bool {
        let count = text.count
        if count >= 8 {
            var at = 0
            while at + 8 <= count {
                if hasSign(text.loadUnaligned(fromByteOffset: at, as: UInt64.self)) { return true }
                at += 8
            }
            return at < count && hasSign(text.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
        }
        // The shortest that holds one is `pin=1`.
        guard count >= 5 else { return false }
        let first = UInt64(text.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
        let last = UInt64(text.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        return hasSign(first | last << 32)
    }

    /// Whether there is a quote, without which no key is quoted.
    @inline(__always)
    static func holdsQuote(_ text: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        while at + 8 <= text.count {
            let word = text.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            if (matches(word, UInt8(ascii: "\"")) | matches(word, UInt8(ascii: "'"))) & 0x8080_8080_8080_8080 != 0 { return true }
            at += 8
        }
        return text[at...].contains(where: isQuote)
    }

    /// The next byte that a replacement can begin at, `= : % < - \`, or the end.
    @inline(__always)
    func nextSign(from start: Int) -> Int {
        var at = start
        while at + 8 <= text.count {
            let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let found =
                Self.matches(word, UInt8(ascii: "=")) | Self.matches(word, UInt8(ascii: ":")) | Self.matches(word, UInt8(ascii: "<"))
                | Self.matches(word, UInt8(ascii: "%")) | Self.matches(word, UInt8(ascii: "-")) | Self.matches(word, UInt8(ascii: "\\"))
            // The lowest high bit that is set is one; above it there may be false ones.
            let high = found & 0x8080_8080_8080_8080
            if high != 0 { return at + high.trailingZeroBitCount &>> 3 }
            at += 8
        }
        while at < text.count {
            switch text[at] {
            case UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "%"), UInt8(ascii: "<"), UInt8(ascii: "-"), UInt8(ascii: "\\"):
                return at
            default: at += 1
            }
        }
        return at
    }

    @inline(__always)
    private static func hasSign(_ word: UInt64) -> Bool {
        let found =
            matches(word, UInt8(ascii: "=")) | matches(word, UInt8(ascii: ":")) | matches(word, UInt8(ascii: "<"))
            | matches(word, UInt8(ascii: "%")) | matches(word, 0x0A) | matches(word, UInt8(ascii: "\\"))
        // Five in a row have two in one of the words, wherever these are cut.
        let dashes = matches(word, UInt8(ascii: "-")) & 0x8080_8080_8080_8080
        if dashes & dashes &<< 8 != 0 { return true }
        return found & 0x8080_8080_8080_8080 != 0
    }

    /// The high bit of some byte is set if one of the eight is `byte` (Bit Twiddling Hacks, "Determine if a word has a
    /// zero byte"); other bits mean nothing.
    @inline(__always)
    private static func matches(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (0x0101_0101_0101_0101 &* UInt64(byte))
        return (difference &- 0x0101_0101_0101_0101) & ~difference
    }
}
