/// What may stand beside a trace: there it is the person's, and within a longer word or address it is somebody else's.
extension PersonEraser {
    /// Not a part of a longer address: RFC 5322 atoms before it, another label of a domain behind it.
    static func isFreeEmail(_ range: Range<Int>, _ plain: UnsafeRawBufferPointer) -> Bool {
        if range.lowerBound > 0, !isBehindPercent(range.lowerBound, plain) {
            if isWord(before: range.lowerBound, plain) || ".+-%".utf8.contains(plain[range.lowerBound - 1]) { return false }
        }
        guard range.upperBound < plain.count else { return true }
        let behind = plain[range.upperBound]
        if behind == UInt8(ascii: ".") { return range.upperBound + 1 >= plain.count || !isWord(at: range.upperBound + 1, plain) }
        return !isWord(at: range.upperBound, plain) && behind != UInt8(ascii: "-")
    }

    static func isFreeWord(_ range: Range<Int>, _ plain: UnsafeRawBufferPointer, _ kind: Kind) -> Bool {
        func isDash(_ at: Int) -> Bool { kind == .wordID && plain[at] == UInt8(ascii: "-") }
        let (start, end) = (range.lowerBound, range.upperBound)
        if start > 0, isWord(before: start, plain) || isDash(start - 1), !isBehindPercent(start, plain) { return false }
        return end >= plain.count || !(isWord(at: end, plain) || isDash(end))
    }

    /// Whether the three bytes before are a percent-encoded character, such as a space in a URL.
    private static func isBehindPercent(_ at: Int, _ plain: UnsafeRawBufferPointer) -> Bool {
        func isHex(_ byte: UInt8) -> Bool { byte &- 48 < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 6 }
        return at >= 3 && plain[at - 3] == UInt8(ascii: "%") && isHex(plain[at - 2]) && isHex(plain[at - 1])
    }

    /// Letters, digits and `_` of ASCII.
    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte &- 48 < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_")
    }

    /// Whether the character that ends before `at` belongs to a word; quotes, dashes and spaces of any alphabet do not.
    private static func isWord(before at: Int, _ plain: UnsafeRawBufferPointer) -> Bool {
        if plain[at - 1] < 0x80 { return isWordByte(plain[at - 1]) }
        var start = at - 1
        while start > 0, at - start < 4, plain[start] & 0xC0 == 0x80 { start -= 1 }
        return isLetter(plain[start..<at])
    }

    private static func isWord(at: Int, _ plain: UnsafeRawBufferPointer) -> Bool {
        if plain[at] < 0x80 { return isWordByte(plain[at]) }
        return isLetter(plain[at..<min(at + 4, plain.count)])
    }

    /// Of the first character.
    private static func isLetter(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        guard let scalar = String(decoding: bytes, as: UTF8.self).unicodeScalars.first else { return false }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            || scalar.properties.generalCategory == .nonspacingMark
    }
}
