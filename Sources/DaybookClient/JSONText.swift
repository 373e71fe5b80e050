/// A JSON value as the text it was written in. Members are found by walking over that text: answers are read once, and
/// the events among them must come out byte for byte as the server wrote them, which no parsed form would promise.
///
/// Reads what a server sent; it does not judge it. Text that is not JSON yields `nil`, never a trap.
package struct JSONText: Sendable {
    /// From the value's first byte to its last.
    package let bytes: ArraySlice<UInt8>

    private init(value bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// `nil` unless `text` begins with one whole value.
    package init?(_ text: [UInt8]) {
        let start = Self.skipSpace(text[...], text.startIndex)
        guard let end = Self.end(text[...], start) else { return nil }
        bytes = text[start..<end]
    }

    package init?(_ text: ArraySlice<UInt8>) {
        let start = Self.skipSpace(text, text.startIndex)
        guard let end = Self.end(text, start) else { return nil }
        bytes = text[start..<end]
    }

    package var isNull: Bool { bytes.elementsEqual("null".utf8) }

    /// The member of an object; the first where a name is doubled.
    package subscript(name: String) -> JSONText? {
        var found: JSONText?
        forEachMember { key, value in
            guard key.elementsEqual(name.utf8) else { return true }
            found = value
            return false
        }
        return found
    }

    /// Members of an object in their order; empty for other values.
    package var members: [(name: String, value: JSONText)] {
        var list: [(name: String, value: JSONText)] = []
        forEachMember { key, value in
            list.append((Self.unescape(key), value))
            return true
        }
        return list
    }

    /// Elements of an array in their order; `nil` for other values.
    package var elements: [JSONText]? {
        guard bytes.first == UInt8(ascii: "[") else { return nil }
        var list: [JSONText] = []
        var at = Self.skipSpace(bytes, bytes.startIndex + 1)
        while at < bytes.endIndex, bytes[at] != UInt8(ascii: "]"), let end = Self.end(bytes, at) {
            list.append(JSONText(value: bytes[at..<end]))
            at = Self.skipSeparator(bytes, end)
        }
        return list
    }

    /// The characters of a string; `nil` for other values.
    package var string: String? {
        guard bytes.first == UInt8(ascii: "\""), bytes.count >= 2 else { return nil }
        return Self.unescape(bytes.dropFirst().dropLast())
    }

    package var integer: Int? { Int(String(decoding: bytes, as: UTF8.self)) }
    package var number: Double? { bytes.first == UInt8(ascii: "\"") ? nil : Double(String(decoding: bytes, as: UTF8.self)) }

    /// The characters of a string, the JSON text of anything else.
    package var shown: String { string ?? String(decoding: bytes, as: UTF8.self) }

    private func forEachMember(_ visit: (ArraySlice<UInt8>, JSONText) -> Bool) {
        guard bytes.first == UInt8(ascii: "{") else { return }
        var at = Self.skipSpace(bytes, bytes.startIndex + 1)
        while at < bytes.endIndex, bytes[at] == UInt8(ascii: "\""), let keyEnd = Self.end(bytes, at) {
            var value = Self.skipSpace(bytes, keyEnd)
            guard value < bytes.endIndex, bytes[value] == UInt8(ascii: ":") else { return }
            value = Self.skipSpace(bytes, value + 1)
            guard let end = Self.end(bytes, value) else { return }
            guard visit(bytes[at + 1..<keyEnd - 1], JSONText(value: bytes[value..<end])) else { return }
            at = Self.skipSeparator(bytes, end)
        }
    }
}

extension JSONText {
    private static func skipSpace(_ text: ArraySlice<UInt8>, _ start: Int) -> Int {
        var at = start
        while at < text.endIndex, text[at] == 0x20 || (0x09...0x0D).contains(text[at]) { at += 1 }
        return at
    }

    private static func skipSeparator(_ text: ArraySlice<UInt8>, _ start: Int) -> Int {
        let at = skipSpace(text, start)
        return at < text.endIndex && text[at] == UInt8(ascii: ",") ? skipSpace(text, at + 1) : at
    }

    /// Behind the value that starts at `start`; `nil` when it does not end. Brackets are counted, not nested, so depth
    /// costs no stack.
    private static func end(_ text: ArraySlice<UInt8>, _ start: Int) -> Int? {
        guard start < text.endIndex else { return nil }
        switch text[start] {
        case UInt8(ascii: "\""): return endOfString(text, start)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            var depth = 0
            var at = start
            while at < text.endIndex {
                switch text[at] {
                case UInt8(ascii: "\""):
                    guard let end = endOfString(text, at) else { return nil }
                    at = end
                    continue
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    if depth == 0 { return at + 1 }
                default: break
                }
                at += 1
            }
            return nil
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            var at = start
            while at < text.endIndex, !",]}: \t\r\n".utf8.contains(text[at]) { at += 1 }
            return at
        default: return nil
        }
    }

    private static func endOfString(_ text: ArraySlice<UInt8>, _ start: Int) -> Int? {
        var at = start + 1
        while at < text.endIndex {
            switch text[at] {
            case UInt8(ascii: "\""): return at + 1
            case UInt8(ascii: "\\"): at += 2
            default: at += 1
            }
        }
        return nil
    }

    /// The characters of a string's inside; a lone surrogate becomes U+FFFD.
    private static func unescape(_ text: ArraySlice<UInt8>) -> String {
        guard text.contains(UInt8(ascii: "\\")) else { return String(decoding: text, as: UTF8.self) }
        var units: [UInt16] = []
        var at = text.startIndex
        var run = at
        func flush(to end: Int) { units.append(contentsOf: String(decoding: text[run..<end], as: UTF8.self).utf16) }
        while at < text.endIndex {
            guard text[at] == UInt8(ascii: "\\"), at + 1 < text.endIndex else {
                at += 1
                continue
            }
            flush(to: at)
            let code = text[at + 1]
            at += 2
            switch code {
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "u"):
                let end = min(at + 4, text.endIndex)
                units.append(UInt16(String(decoding: text[at..<end], as: UTF8.self), radix: 16) ?? 0xFFFD)
                at = end
            default: units.append(UInt16(code))
            }
            run = at
        }
        flush(to: text.endIndex)
        return String(decoding: units, as: UTF16.self)
    }
}
