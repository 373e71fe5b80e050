/// The grammar of RFC 8259 section 6 for one number.
enum JSONNumber {
    static func isValid(_ text: UnsafeRawBufferPointer, integer: Bool) -> Bool {
        var at = 0
        func digits() -> Bool {
            let start = at
            while at < text.count, text[at] &- UInt8(ascii: "0") < 10 { at += 1 }
            return at > start
        }
        if at < text.count, text[at] == UInt8(ascii: "-") { at += 1 }
        if at < text.count, text[at] == UInt8(ascii: "0") { at += 1 } else if !digits() { return false }
        if integer { return at == text.count }
        if at < text.count, text[at] == UInt8(ascii: ".") {
            at += 1
            if !digits() { return false }
        }
        if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at += 1 }
            if !digits() { return false }
        }
        return at == text.count
    }

    /// Whether a 64-bit integer or a finite double holds a valid number: the range that simdjson takes.
    static func fits(_ text: UnsafeRawBufferPointer) -> Bool {
        let isInteger = text.allSatisfy { $0 == UInt8(ascii: "-") || $0 &- UInt8(ascii: "0") < 10 }
        if isInteger, text.count <= 18 { return true }
        let text = String(decoding: text, as: UTF8.self)
        return isInteger ? Int64(text) != nil || UInt64(text) != nil : Double(text).map(\.isFinite) ?? false
    }
}
