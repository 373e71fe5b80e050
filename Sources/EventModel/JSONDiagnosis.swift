/// Says where and why bytes are not the JSON that Daybook takes.
///
/// simdjson refuses fast but without a place. Only when it has refused are the bytes read a second time here, one by
/// one after RFC 8259, keeping the path of keys, so that the producer learns the offset and the field. This reader
/// never accepts anything: it only explains.
struct JSONDiagnosis {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private var path: [String] = []

    static func explain(_ bytes: UnsafeRawBufferPointer, parserMessage: String) -> Rejection {
        var reader = JSONDiagnosis(bytes: bytes)
        do throws(Rejection) {
            reader.skipSpace()
            try reader.value(depth: 1)
            reader.skipSpace()
            if reader.at < bytes.count { throw reader.fault("unexpected \(reader.shown) behind the end of the value") }
        } catch {
            return error
        }
        return Rejection(field: "", code: .invalidJSON, message: parserMessage)
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    /// The byte at hand, readable.
    private var shown: String {
        guard let byte else { return "end" }
        return byte > 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x" + String(byte, radix: 16, uppercase: true)
    }

    private func fault(_ what: String, code: Rejection.Code = .invalidJSON) -> Rejection {
        Rejection(field: path.joined(separator: "."), code: code, message: "\(what) at byte \(at)")
    }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { at += 1 }
    }

    private mutating func value(depth: Int) throws(Rejection) {
        guard let byte else { throw fault("the JSON ends early, a value is missing") }
        switch byte {
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        default: throw fault("a value cannot begin with \(shown)")
        }
    }

    private mutating func object(depth: Int) throws(Rejection) {
        guard depth <= Limits.depth else { throw fault("deeper than \(Limits.depth) levels", code: .tooDeep) }
        at += 1
        skipSpace()
        if byte == UInt8(ascii: "}") {
            at += 1
            return
        }
        while true {
            guard byte == UInt8(ascii: "\"") else { throw fault("a key in double quotes is expected, found \(shown)") }
            path.append(try string())
            skipSpace()
            guard byte == UInt8(ascii: ":") else { throw fault("':' is expected behind the key, found \(shown)") }
            at += 1
            skipSpace()
            try value(depth: depth + 1)
            // The name is kept until its value is known to end well: `01` is found out only behind the 0.
            let isLast = try closes(UInt8(ascii: "}"))
            path.removeLast()
            if isLast { return }
        }
    }

    private mutating func array(depth: Int) throws(Rejection) {
        guard depth <= Limits.depth else { throw fault("deeper than \(Limits.depth) levels", code: .tooDeep) }
        at += 1
        skipSpace()
        if byte == UInt8(ascii: "]") {
            at += 1
            return
        }
        while true {
            try value(depth: depth + 1)
            if try closes(UInt8(ascii: "]")) { return }
        }
    }

    /// Behind a member: a comma and more, or the closing bracket.
    private mutating func closes(_ closer: UInt8) throws(Rejection) -> Bool {
        skipSpace()
        guard let byte else { throw fault("the JSON ends early, '\(Character(UnicodeScalar(closer)))' is missing") }
        if byte == closer {
            at += 1
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw fault("',' or '\(Character(UnicodeScalar(closer)))' is expected, found \(shown)") }
        at += 1
        skipSpace()
        return false
    }

    private mutating func string() throws(Rejection) -> String {
        let start = at
        at += 1
        while let byte {
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return String(decoding: bytes[start + 1..<at - 1], as: UTF8.self)
            case UInt8(ascii: "\\"): try escape()
            case _ where byte < 0x20: throw fault("the control character \(shown) must be escaped inside a string")
            case _ where byte >= 0x80:
                guard let length = UTF8Check.sequenceLength(bytes, at) else { throw fault("\(shown) is not UTF-8") }
                at += length
            default: at += 1
            }
        }
        throw fault("a string is not closed")
    }

    private mutating func escape() throws(Rejection) {
        at += 1
        switch byte {
        case UInt8(ascii: "u"):
            let unit = try hexUnit()
            if unit & 0xFC00 == 0xD800 {
                guard byte == UInt8(ascii: "\\"), at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "u") else {
                    throw fault("a high surrogate stands alone")
                }
                at += 1
                guard try hexUnit() & 0xFC00 == 0xDC00 else { throw fault("a high surrogate is not followed by a low one") }
            } else if unit & 0xFC00 == 0xDC00 {
                throw fault("a low surrogate stands alone")
            }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 1
        default: throw fault("an escape cannot go on with \(shown)")
        }
    }

    private mutating func hexUnit() throws(Rejection) -> UInt32 {
        at += 1
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte, let digit = EventID.value(ofHexDigit: byte) else {
                throw fault("\\u needs four hexadecimal digits, found \(shown)")
            }
            unit = unit << 4 | UInt32(digit)
            at += 1
        }
        return unit
    }

    private mutating func word(_ expected: StaticString) throws(Rejection) {
        for index in 0..<expected.utf8CodeUnitCount {
            guard byte == expected.utf8Start[index] else { throw fault("\(expected) is expected, found \(shown)") }
            at += 1
        }
    }

    private mutating func number() throws(Rejection) {
        let start = at
        if byte == UInt8(ascii: "-") { at += 1 }
        if byte == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if byte == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if let exponent = byte, exponent | 0x20 == UInt8(ascii: "e") {
            at += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        guard JSONNumber.fits(UnsafeRawBufferPointer(rebasing: bytes[start..<at])) else {
            let text = String(decoding: bytes[start..<at], as: UTF8.self)
            let shortened = text.count > 40 ? text.prefix(40) + "…" : text[...]
            throw fault("the number \(shortened) is out of range; send it as a string. It ends", code: .numberRange)
        }
    }

    private mutating func digits() throws(Rejection) {
        let start = at
        while let byte, byte &- UInt8(ascii: "0") < 10 { at += 1 }
        if at == start { throw fault("a digit is expected in a number, found \(shown)") }
    }
}
