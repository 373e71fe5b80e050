/// The members of a JSON object one after another, as places in its text. What they hold is stepped over, not parsed: it was
/// checked when it was written.
struct JSONMemberPlaces {
    private let text: UnsafeRawBufferPointer
    private let end: Int
    private var at: Int
    /// Whether the closing brace was met where one has to be.
    private(set) var isWhole = false

    /// `range`: an object and nothing behind it. `nil` when no object begins there.
    init?(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) {
        guard !range.isEmpty, text[range.lowerBound] == UInt8(ascii: "{") else { return nil }
        self.text = text
        end = range.upperBound
        at = range.lowerBound + 1
    }

    /// The key's bytes between its quotes, and the value from its first byte to its last; `nil` behind the last member.
    mutating func next() -> (key: Range<Int>, value: Range<Int>)? {
        skipSpace()
        if at < end, text[at] == UInt8(ascii: ",") {
            at += 1
            skipSpace()
        }
        guard at < end, text[at] == UInt8(ascii: "\""), let keyEnd = endOfString(at) else {
            isWhole = at < end && text[at] == UInt8(ascii: "}")
            return nil
        }
        let key = at + 1..<keyEnd - 1
        at = keyEnd
        skipSpace()
        guard at < end, text[at] == UInt8(ascii: ":") else { return nil }
        at += 1
        skipSpace()
        guard let valueEnd = endOfValue(at) else { return nil }
        defer { at = valueEnd }
        return (key, at..<valueEnd)
    }

    private mutating func skipSpace() { while at < end, text[at] == 0x20 || (0x09...0x0D).contains(text[at]) { at += 1 } }

    private func endOfString(_ start: Int) -> Int? {
        var index = start + 1
        while index < end {
            let byte = text[index]
            if byte == UInt8(ascii: "\"") { return index + 1 }
            index += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }

    /// Brackets are counted, so depth costs no stack.
    private func endOfValue(_ start: Int) -> Int? {
        var (index, depth) = (start, 0)
        while index < end {
            switch text[index] {
            case UInt8(ascii: "\""):
                guard let stringEnd = endOfString(index) else { return nil }
                index = stringEnd
                if depth == 0 { return index }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return index > start ? index : nil }
                depth -= 1
                if depth == 0 { return index + 1 }
            case UInt8(ascii: ","), 0x20, 0x09...0x0D:
                if depth == 0 { return index > start ? index : nil }
            default: break
            }
            index += 1
        }
        return nil
    }
}
