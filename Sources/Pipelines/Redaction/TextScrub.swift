import EventModel

/// Finds `key=value`, `key: value` and `"key":"value"` inside a text and replaces the values of secret keys; also
/// `<key>value</key>`, percent-encoded pairs, private keys in PEM, and what stands before the `@` of a URL. Works on any
/// bytes, so that even a line that is no JSON gives nothing away; it prefers to take out too much. What was JSON stays
/// JSON, at whatever depth of escaping.
struct TextScrub {
    let text: UnsafeRawBufferPointer
    let patterns: KeyPatterns
    /// Keys such as `before` and `value` hold secrets, too: something in the text says that they do.
    var valuesAreSecret = false
    /// The text names something: `token:0` is a name, `token: 0` and `"token":0` are pairs all the same.
    let isName: Bool

    init(_ text: UnsafeRawBufferPointer, _ patterns: KeyPatterns, isName: Bool = false) {
        self.text = text
        self.patterns = patterns
        self.isName = isName
    }

    /// What to put where; with quotes where a value that is not quoted stood in JSON.
    struct Replacement {
        var range: Range<Int>
        var quote: Range<Int>?
    }

    /// The text with secrets replaced; `nil` when there were none.
    func scrubbed() -> [UInt8]? {
        var output: [UInt8] = []
        var copied = 0
        var at = 0
        while at < text.count {
            at = nextSign(from: at)
            guard at < text.count else { break }
            guard let found = replacement(at: at), !found.range.isEmpty else {
                at += 1
                continue
            }
            output.append(contentsOf: text[copied..<found.range.lowerBound])
            if let quote = found.quote { output.append(contentsOf: text[quote]) }
            output.append(contentsOf: Redaction.placeholder.utf8)
            if let quote = found.quote { output.append(contentsOf: text[quote]) }
            copied = found.range.upperBound
            at = copied
        }
        guard copied > 0 else { return nil }
        output.append(contentsOf: text[copied...])
        return output
    }

    @inline(__always)
    private func replacement(at: Int) -> Replacement? {
        switch text[at] {
        case UInt8(ascii: "="): pair(sign: at..<at + 1)
        case UInt8(ascii: ":"): (isName && joinsName(at) ? nil : pair(sign: at..<at + 1)) ?? userInfo(at)
        case UInt8(ascii: "%"): encodedSign(at).flatMap { pair(sign: $0) }
        case UInt8(ascii: "<"): element(at)
        case UInt8(ascii: "-"): privateKey(at)
        default: nil
        }
    }

    /// A colon with neither a space nor a quote beside it.
    private func joinsName(_ colon: Int) -> Bool {
        func isLoose(_ at: Int) -> Bool { at < 0 || at >= text.count || Self.isSpace(text[at]) || Self.isQuote(text[at]) }
        return !isLoose(colon - 1) && !isLoose(colon + 1)
    }

    private func pair(sign: Range<Int>) -> Replacement? {
        guard let key = key(before: sign.lowerBound), isSecret(key) else { return nil }
        return value(behind: sign, of: key)
    }

    private func isSecret(_ key: Key) -> Bool {
        func judge(_ bytes: UnsafeRawBufferPointer) -> Bool {
            patterns.matches(bytes) || valuesAreSecret && !KeyRole(bytes, patterns).isDisjoint(with: [.value, .range])
        }
        let bytes = UnsafeRawBufferPointer(rebasing: text[key.range])
        guard key.quote != nil, bytes.contains(UInt8(ascii: "\\")) else { return judge(bytes) }
        return JSONEscapes.decode(bytes).withUnsafeBytes(judge)
    }

    /// `%3D` and `%3A`, also encoded twice.
    private func encodedSign(_ at: Int) -> Range<Int>? {
        var digits = at + 1
        while digits + 1 < text.count, text[digits] == UInt8(ascii: "2"), text[digits + 1] == UInt8(ascii: "5") { digits += 2 }
        guard digits + 1 < text.count, text[digits] == UInt8(ascii: "3") else { return nil }
        let second = text[digits + 1] | 0x20
        return second == UInt8(ascii: "d") || second == UInt8(ascii: "a") && !isName ? at..<digits + 2 : nil
    }

    /// `<password>…</password>`
    private func element(_ at: Int) -> Replacement? {
        var end = at + 1
        while end < text.count, Self.isKeyByte(text[end]) || text[end] == UInt8(ascii: ":") { end += 1 }
        guard end > at + 1, patterns.matches(UnsafeRawBufferPointer(rebasing: text[at + 1..<end])) else { return nil }
        while end < text.count, text[end] != UInt8(ascii: ">"), text[end] != UInt8(ascii: "<") { end += 1 }
        guard end < text.count, text[end] == UInt8(ascii: ">"), text[end - 1] != UInt8(ascii: "/") else { return nil }
        var close = end + 1
        while close < text.count, !isAt(close, "</") { close += 1 }
        return Replacement(range: end + 1..<close)
    }

    /// RFC 7468. Without its end the rest is taken.
    private func privateKey(_ at: Int) -> Replacement? {
        guard isAt(at, "-----BEGIN ") else { return nil }
        var end = at + 11
        while end < text.count, text[end] != UInt8(ascii: "-"), end - at < 64 { end += 1 }
        guard isAt(end, "-----"), text[at..<end].count >= 11 + 11, isAt(end - 11, "PRIVATE KEY") else { return nil }
        var close = end + 5
        while close < text.count, !isAt(close, "-----END") { close += 1 }
        return Replacement(range: end + 5..<close)
    }

    func isAt(_ offset: Int, _ word: StaticString) -> Bool {
        TextPattern.has(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount), in: text, at: offset)
    }
}
