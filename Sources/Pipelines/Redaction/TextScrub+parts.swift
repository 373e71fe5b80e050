import EventModel

// Keys and values of a text, and where they end.
extension TextScrub {
    struct Key {
        var range: Range<Int>
        /// The quote behind a quoted key, with the backslashes before it.
        var quote: Range<Int>?
        /// The byte before the key.
        var opening: UInt8?
    }

    static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "["), UInt8(ascii: "]"), 0x80...0xFF:
            true
        default: false
        }
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
    static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

    /// Longest key or password of a URL that is looked for, in bytes: without a bound, a text made of nothing but signs
    /// would be read to its end for each of them.
    private static let keyBytes = 512

    func key(before sign: Int) -> Key? {
        var end = sign
        while end > 0, Self.isSpace(text[end - 1]) { end -= 1 }
        if end >= 3, isAt(end - 3, "%22") { end -= 3 }
        guard end > 0 else { return nil }
        if Self.isQuote(text[end - 1]) { return quotedKey(end) }
        var start = end
        while start > 0, end - start < Self.keyBytes, Self.isKeyByte(text[start - 1]) { start -= 1 }
        // A time such as 12:34:56 is no pair.
        guard start < end, !(Self.isDigit(text[start]) && Self.isDigit(text[end - 1])) else { return nil }
        let opening = start > 0 ? text[start - 1] : nil
        if let decoded = encodedOpening(start, end, opening) { return decoded }
        return Key(range: start..<end, quote: nil, opening: opening)
    }

    /// The key behind an encoded sign, such as `%26key` and `\u0026key`, whose digits look like a part of it.
    private func encodedOpening(_ start: Int, _ end: Int, _ opening: UInt8?) -> Key? {
        let behind: Int
        switch opening {
        case UInt8(ascii: "%"): behind = start + 2
        case UInt8(ascii: "\\") where isAt(start, "u00"): behind = start + 5
        default: return nil
        }
        guard behind < end, let code = UInt8(String(decoding: text[behind - 2..<behind], as: UTF8.self), radix: 16) else { return nil }
        return Key(range: behind..<end, quote: nil, opening: code)
    }

    private func quotedKey(_ behind: Int) -> Key? {
        let quote = text[behind - 1]
        var end = behind - 1
        while end > 0, text[end - 1] == UInt8(ascii: "\\") { end -= 1 }
        var start = end
        while start > 0, end - start < Self.keyBytes, text[start - 1] != quote { start -= 1 }
        return start < end ? Key(range: start..<end, quote: end..<behind, opening: quote) : nil
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    func value(behind sign: Range<Int>, of key: Key) -> Replacement {
        var start = sign.upperBound
        while start < text.count {
            if Self.isSpace(text[start]) || text[start] == UInt8(ascii: ":") || text[start] == UInt8(ascii: "=") {
                start += 1
            } else if text[start] == UInt8(ascii: ">"), start == sign.upperBound {
                start += 1
            } else if isAt(start, "%22") || isAt(start, "%20") {
                start += 3
            } else if let quote = escapedEnd(start), isAt(quote, "22") || isAt(quote, "27") {
                start = quote + 2
            } else if let backslash = escapedSpace(start) {
                start = backslash
            } else {
                break
            }
        }
        var quote = start
        while quote < text.count, text[quote] == UInt8(ascii: "\\") { quote += 1 }
        if quote < text.count, Self.isQuote(text[quote]) {
            return Replacement(range: quote + 1..<closingQuote(quote, backslashes: quote - start))
        }
        guard start < text.count else { return Replacement(range: start..<start) }
        let bare = key.quote.flatMap { text[$0.upperBound - 1] == UInt8(ascii: "\"") ? $0 : nil }
        if text[start] == UInt8(ascii: "[") || text[start] == UInt8(ascii: "{") {
            let end = closingBracket(start)
            return Replacement(range: start..<end, quote: isPlaceholder(start..<end) ? nil : bare)
        }
        let end = bareEnd(start, key)
        if Redaction.isBit(text[start..<end]) || text[start..<end].elementsEqual("null".utf8) { return Replacement(range: start..<start) }
        return Replacement(range: start..<end, quote: bare)
    }

    /// The last two digits of a character such as `\u0026`.
    private func escapedEnd(_ at: Int) -> Int? {
        guard text[at] == UInt8(ascii: "\\") else { return nil }
        let digits = behindBackslashes(at)
        return isAt(digits, "u00") && digits + 5 <= text.count ? digits + 3 : nil
    }

    /// Whether a value ends at an escaped character, as it would at the character itself: `" & ' < > #`.
    private func isEscapedEnd(_ at: Int) -> Bool {
        guard let digits = escapedEnd(at) else { return false }
        return ["22", "26", "27", "3c", "3e", "23"].contains(String(decoding: text[digits..<digits + 2], as: UTF8.self).lowercased())
    }

    private func isPlaceholder(_ range: Range<Int>) -> Bool { text[range].elementsEqual(Redaction.placeholder.utf8) }

    /// Behind `\n` or `\t` as JSON writes them.
    private func escapedSpace(_ at: Int) -> Int? {
        var end = at
        while end < text.count, text[end] == UInt8(ascii: "\\") { end += 1 }
        guard end > at, end < text.count else { return nil }
        return text[end] == UInt8(ascii: "n") || text[end] == UInt8(ascii: "r") || text[end] == UInt8(ascii: "t") ? end + 1 : nil
    }

    /// The end of the content of a string whose quote has `level` backslashes before it. A quote with as many ends it; in a
    /// text that was escaped n times, one that belongs to the content has an odd multiple of `level + 1` more.
    private func closingQuote(_ quote: Int, backslashes level: Int) -> Int {
        var at = quote + 1
        var run = 0
        while at < text.count {
            if text[at] == text[quote] {
                if run < level || (run - level) % (2 * (level + 1)) == 0 { return at - min(run, level) }
                run = 0
            } else {
                run = text[at] == UInt8(ascii: "\\") ? run + 1 : 0
            }
            at += 1
        }
        return text.count
    }

    /// Behind the bracket that matches, or the end.
    private func closingBracket(_ start: Int) -> Int {
        var depth = 0
        var at = start
        while at < text.count {
            switch text[at] {
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 { return at + 1 }
            case UInt8(ascii: "\""):
                var level = at
                while level > start, text[level - 1] == UInt8(ascii: "\\") { level -= 1 }
                let end = closingQuote(at, backslashes: at - level)
                at = end
                while at < text.count, text[at] == UInt8(ascii: "\\") { at += 1 }
            default: break
            }
            at += 1
        }
        return text.count
    }

    /// To the next separator; the rest of the line for what may hold several words.
    private func bareEnd(_ start: Int, _ key: Key) -> Int {
        if key.quote == nil, takesLine(key) { return lineEnd(start, key) }
        var end = wordEnd(start)
        if end - start <= 6, end < text.count, text[end] == 0x20 {
            switch String(decoding: text[start..<end], as: UTF8.self).lowercased() {
            case "bearer", "basic", "digest", "token", "apikey": end = wordEnd(end + 1)
            default: break
            }
        }
        return end
    }

    private func takesLine(_ key: Key) -> Bool {
        let name = String(decoding: text[key.range], as: UTF8.self).lowercased()
        return name.hasSuffix("authorization") || name.hasSuffix("cookie")
    }

    /// Where the line ends that holds a header, or the quote in which it stands.
    private func lineEnd(_ start: Int, _ key: Key) -> Int {
        var end = start
        while end < text.count, text[end] != 0x0A, text[end] != 0x0D, !isAt(end, "\\n"), !isAt(end, "\\r") {
            if let opening = key.opening, Self.isQuote(opening), text[end] == opening { break }
            end += 1
        }
        while end > start, text[end - 1] == UInt8(ascii: "\\") { end -= 1 }
        return end
    }

    private func wordEnd(_ start: Int) -> Int {
        var end = start
        while end < text.count {
            switch text[end] {
            case UInt8(ascii: " "), UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "}"),
                UInt8(ascii: ")"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "#"), UInt8(ascii: "<"), 0x09:
                return end
            case UInt8(ascii: ","):
                // Part of a password, but not where the next member begins.
                if end + 1 == text.count || Self.isSpace(text[end + 1]) || Self.isQuote(text[end + 1]) { return end }
                end += 1
            case UInt8(ascii: "%") where isAt(end, "%26") || isAt(end, "%23") || isAt(end, "%22"): return end
            case UInt8(ascii: "\\") where end + 1 < text.count && (Self.isQuote(text[end + 1]) || isAt(end, "\\n")): return end
            case UInt8(ascii: "\\") where isEscapedEnd(end): return end
            default: end += 1
            }
        }
        return end
    }

    /// For `scheme://user:password@host` the password, at its colon; for `scheme://token@host` the token, at the
    /// scheme's. Without a password a short name is only a name. Slashes may be escaped, as PHP writes them into JSON.
    func userInfo(_ colon: Int) -> Replacement? {
        if let host = behindSlashes(colon + 1) { return tokenBefore(host: host) }
        var start = colon
        while start > 0, text[start - 1] != UInt8(ascii: "/"), !Self.isSpace(text[start - 1]), !Self.isQuote(text[start - 1]),
            colon - start < 256
        {
            start -= 1
        }
        guard isBehindScheme(start) else { return nil }
        var end = colon + 1
        while end < text.count, Self.isDigit(text[end]) { end += 1 }
        // A port.
        if end == text.count || text[behindBackslashes(end)...].first == UInt8(ascii: "/") { return nil }
        var at: Int?
        let last = min(text.count, colon + Self.keyBytes)
        while end < last, !Self.isSpace(text[end]), !Self.isQuote(text[end]) {
            if text[end] == UInt8(ascii: "\\"), text[behindBackslashes(end)...].first != UInt8(ascii: "/") { break }
            if text[end] == UInt8(ascii: "@") { at = end }
            end += 1
        }
        return at.map { Replacement(range: colon + 1..<$0) }
    }

    /// Behind `//` or `\/\/`.
    private func behindSlashes(_ at: Int) -> Int? {
        var end = at
        for _ in 0..<2 {
            end = behindBackslashes(end)
            guard end < text.count, text[end] == UInt8(ascii: "/") else { return nil }
            end += 1
        }
        return end
    }

    /// Whether `://` stands before `at`, or `:\/\/`.
    private func isBehindScheme(_ at: Int) -> Bool {
        var start = at
        for _ in 0..<2 {
            guard start > 0, text[start - 1] == UInt8(ascii: "/") else { return false }
            start -= 1
            while start > 0, at - start < 32, text[start - 1] == UInt8(ascii: "\\") { start -= 1 }
        }
        return start > 0 && text[start - 1] == UInt8(ascii: ":")
    }

    private static let tokenBytes = 16

    private func tokenBefore(host start: Int) -> Replacement? {
        var end = start
        while end < text.count {
            switch text[end] {
            case UInt8(ascii: "@"): return end - start >= Self.tokenBytes ? Replacement(range: start..<end) : nil
            case UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\\"): return nil
            case let byte where Self.isSpace(byte) || Self.isQuote(byte): return nil
            default: end += 1
            }
        }
        return nil
    }
}
