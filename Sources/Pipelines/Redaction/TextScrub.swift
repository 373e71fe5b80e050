import EventModel

/// Finds `key=value`, `key: value` and `"key":"value"` inside a text and replaces the values of secret keys, and the
/// password of `scheme://user:password@host`. Works on any bytes, so that even a line that is no JSON gives nothing
/// away; it prefers to take out too much.
enum TextScrub {
    /// Whether a text can hold a pair at all. Times and user agents hold colons, so a colon alone counts only when
    /// something that looks like a key stands before it; that is decided later.
    @inline(__always)
    static func mayHoldPairs(_ text: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        while at + 8 <= text.count {
            let word = text.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            if hasByte(word, UInt8(ascii: "=")) || hasByte(word, UInt8(ascii: ":")) { return true }
            at += 8
        }
        while at < text.count {
            if text[at] == UInt8(ascii: "=") || text[at] == UInt8(ascii: ":") { return true }
            at += 1
        }
        return false
    }

    /// Whether one of eight bytes is `byte` (Bit Twiddling Hacks, "Determine if a word has a byte equal to n").
    @inline(__always)
    private static func hasByte(_ word: UInt64, _ byte: UInt8) -> Bool {
        let difference = word ^ (0x0101_0101_0101_0101 &* UInt64(byte))
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080 != 0
    }

    /// The text with secrets replaced; `nil` when there were none.
    static func scrub(_ text: UnsafeRawBufferPointer, patterns: KeyPatterns) -> [UInt8]? {
        var output: [UInt8] = []
        var copied = 0
        var at = 0
        while at < text.count {
            let byte = text[at]
            guard byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") else {
                at += 1
                continue
            }
            var value: Range<Int>?
            if let key = keyBefore(at, text), patterns.matches(UnsafeRawBufferPointer(rebasing: text[key])) {
                value = valueBehind(at, text)
            } else if byte == UInt8(ascii: ":") {
                value = passwordBehind(at, text)
            }
            if let value, !value.isEmpty {
                output.append(contentsOf: text[copied..<value.lowerBound])
                output.append(contentsOf: Redaction.placeholder.utf8)
                copied = value.upperBound
                at = value.upperBound
            } else {
                at += 1
            }
        }
        guard copied > 0 else { return nil }
        output.append(contentsOf: text[copied...])
        return output
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func isSpaceOrQuote(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\\") || byte == 0x09
    }

    private static func keyBefore(_ sign: Int, _ text: UnsafeRawBufferPointer) -> Range<Int>? {
        var end = sign
        while end > 0, isSpaceOrQuote(text[end - 1]) { end -= 1 }
        var start = end
        while start > 0, end - start < 64, isKeyByte(text[start - 1]) { start -= 1 }
        // A time such as 12:34:56 is no pair.
        return start < end && text[start] &- UInt8(ascii: "0") >= 10 ? start..<end : nil
    }

    /// A quoted value to its quote, else to the next separator; `Bearer abc` and `Basic abc` as one.
    private static func valueBehind(_ sign: Int, _ text: UnsafeRawBufferPointer) -> Range<Int> {
        var start = sign + 1
        while start < text.count, text[start] == UInt8(ascii: " ") || text[start] == 0x09 { start += 1 }
        if start < text.count, text[start] == UInt8(ascii: "\\") { start += 1 }
        if start < text.count, text[start] == UInt8(ascii: "\"") || text[start] == UInt8(ascii: "'") {
            let quote = text[start]
            var end = start + 1
            while end < text.count, text[end] != quote || text[end - 1] == UInt8(ascii: "\\") { end += 1 }
            return start + 1..<max(start + 1, end)
        }
        var end = wordEnd(start, text)
        let word = String(decoding: text[start..<end], as: UTF8.self).lowercased()
        if word == "bearer" || word == "basic" || word == "digest", end < text.count { end = wordEnd(end + 1, text) }
        return start..<end
    }

    private static func wordEnd(_ start: Int, _ text: UnsafeRawBufferPointer) -> Int {
        var end = start
        while end < text.count {
            switch text[end] {
            case UInt8(ascii: " "), UInt8(ascii: "&"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\""), UInt8(ascii: "'"),
                UInt8(ascii: "}"), UInt8(ascii: ")"), UInt8(ascii: "\n"), UInt8(ascii: "#"), 0x09:
                return end
            default: end += 1
            }
        }
        return end
    }

    /// For the second colon of `scheme://user:password@host` the password.
    private static func passwordBehind(_ colon: Int, _ text: UnsafeRawBufferPointer) -> Range<Int>? {
        var start = colon
        while start > 0, text[start - 1] != UInt8(ascii: "/"), !isSpaceOrQuote(text[start - 1]), colon - start < 256 { start -= 1 }
        guard start >= 3, text[start - 1] == UInt8(ascii: "/"), text[start - 2] == UInt8(ascii: "/"), text[start - 3] == UInt8(ascii: ":")
        else {
            return nil
        }
        var end = colon + 1
        while end < text.count, text[end] != UInt8(ascii: "@") {
            if text[end] == UInt8(ascii: "/") || isSpaceOrQuote(text[end]) { return nil }
            end += 1
        }
        return end < text.count ? colon + 1..<end : nil
    }
}
