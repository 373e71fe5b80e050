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
        case UInt8(ascii: "\\"): escapedSign(at).flatMap { pair(sign: $0) }
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
        guard let key = key(before: sign.lowerBound), isSecret(key) || isSecretParameter(key, sign) || isSecondWord(key) else { return nil }
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

    /// `Signature` in the query of a URL that S3 signed. As the key of a member it is what stands below e-mails.
    private func isSecretParameter(_ key: Key, _ sign: Range<Int>) -> Bool {
        guard text[sign.lowerBound] != UInt8(ascii: ":"), key.range.count == 9, let opening = key.opening,
            opening == UInt8(ascii: "&") || opening == UInt8(ascii: "?") || opening == UInt8(ascii: ";")
        else { return false }
        return String(decoding: text[key.range], as: UTF8.self).lowercased() == "signature"
    }

    /// `api key: …`: written as two words, of which the second is no secret by itself.
    private func isSecondWord(_ key: Key) -> Bool {
        // Asked for every colon of every text: most words are told by their length and first letter.
        let first = text[key.range.lowerBound] | 0x20
        guard key.quote == nil, key.opening == 0x20,
            key.range.count == 3 && first == UInt8(ascii: "k")
                || key.range.count == 6 && (first == UInt8(ascii: "n") || first == UInt8(ascii: "p")),
            let firsts = Self.firstWords[String(decoding: text[key.range], as: UTF8.self).lowercased()]
        else { return false }
        let end = key.range.lowerBound - 1
        var start = end
        while start > 0, end - start < 12, Self.isKeyByte(text[start - 1]) { start -= 1 }
        return firsts.contains(String(decoding: text[start..<end], as: UTF8.self).lowercased())
    }

    private static let firstWords: [String: Set<String>] = [
        "key": ["api", "secret", "access", "private", "signing", "encryption", "shared", "master"], "number": ["card"], "phrase": ["pass"],
    ]

    /// `\u003d` and `\u003a`, as some libraries write JSON, with any number of backslashes.
    private func escapedSign(_ at: Int) -> Range<Int>? {
        guard at == 0 || text[at - 1] != UInt8(ascii: "\\") else { return nil }
        let digits = behindBackslashes(at)
        guard isAt(digits, "u003"), digits + 4 < text.count else { return nil }
        let last = text[digits + 4] | 0x20
        return last == UInt8(ascii: "d") || last == UInt8(ascii: "a") && !isName ? at..<digits + 5 : nil
    }

    /// Behind backslashes, of which more than a few are nobody's escapes.
    func behindBackslashes(_ at: Int) -> Int {
        var end = at
        while end < text.count, end - at < 16, text[end] == UInt8(ascii: "\\") { end += 1 }
        return end
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

    /// RFC 7468, and OpenPGP's (RFC 9580, section 6.2). Without its end the rest is taken.
    private func privateKey(_ at: Int) -> Replacement? {
        guard isAt(at, "-----BEGIN ") else { return nil }
        var end = at + 11
        while end < text.count, text[end] != UInt8(ascii: "-"), end - at < 64 { end += 1 }
        guard isAt(end, "-----"), end - at >= 11 + 11 else { return nil }
        guard isAt(end - 11, "PRIVATE KEY") || end - at >= 11 + 17 && isAt(end - 17, "PRIVATE KEY BLOCK") else { return nil }
        var close = end + 5
        while close < text.count, !isAt(close, "-----END") { close += 1 }
        return Replacement(range: end + 5..<close)
    }

    func isAt(_ offset: Int, _ word: StaticString) -> Bool {
        TextPattern.has(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount), in: text, at: offset)
    }
}
