/// A second opinion on JSON: RFC 8259 read slowly and plainly, sharing no code with what it judges.
///
/// Refuses what Daybook refuses as well: bytes that are not UTF-8, lone surrogates, the same key twice, and numbers
/// that neither a 64-bit integer nor a finite double holds.
struct StrictReader {
    struct Refusal: Error, Equatable {
        var reason: String
        var offset: Int
    }

    private let bytes: [UInt8]
    private var at = 0

    static func read(_ bytes: [UInt8]) throws(Refusal) -> JSONValue {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Refusal(reason: "not UTF-8", offset: 0) }
        var reader = StrictReader(bytes: bytes)
        reader.skipSpace()
        let value = try reader.value()
        reader.skipSpace()
        guard reader.at == bytes.count else { throw reader.refusal("something follows the value") }
        return value
    }

    static func read(_ text: String) throws(Refusal) -> JSONValue { try read(Array(text.utf8)) }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func refusal(_ reason: String) -> Refusal { Refusal(reason: reason, offset: at) }

    private var byte: UInt8 { at < bytes.count ? bytes[at] : 0 }

    private mutating func skipSpace() {
        while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    }

    private mutating func take(_ expected: String) throws(Refusal) {
        guard bytes[at...].starts(with: expected.utf8) else { throw refusal("\(expected) expected") }
        at += expected.utf8.count
    }

    private mutating func value() throws(Refusal) -> JSONValue {
        guard at < bytes.count else { throw refusal("a value expected") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "n"):
            try take("null")
            return .null
        case UInt8(ascii: "t"):
            try take("true")
            return .boolean(true)
        case UInt8(ascii: "f"):
            try take("false")
            return .boolean(false)
        default: return .number(try number())
        }
    }

    private mutating func object() throws(Refusal) -> JSONValue {
        var members: [JSONValue.Member] = []
        var known: Set<[UInt8]> = []
        try take("{")
        skipSpace()
        while byte != UInt8(ascii: "}") {
            if !members.isEmpty {
                try take(",")
                skipSpace()
            }
            let name = try string()
            guard known.insert(name).inserted else { throw refusal("the same key twice") }
            skipSpace()
            try take(":")
            skipSpace()
            members.append(JSONValue.Member(name: name, value: try value()))
            skipSpace()
        }
        try take("}")
        return .object(members)
    }

    private mutating func array() throws(Refusal) -> JSONValue {
        var elements: [JSONValue] = []
        try take("[")
        skipSpace()
        while byte != UInt8(ascii: "]") {
            if !elements.isEmpty {
                try take(",")
                skipSpace()
            }
            elements.append(try value())
            skipSpace()
        }
        try take("]")
        return .array(elements)
    }

    private mutating func string() throws(Refusal) -> [UInt8] {
        try take("\"")
        var text: [UInt8] = []
        while at < bytes.count, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw refusal("a raw control character") }
            if byte == UInt8(ascii: "\\") {
                text += try escape()
            } else {
                text.append(byte)
                at += 1
            }
        }
        try take("\"")
        return text
    }

    private mutating func escape() throws(Refusal) -> [UInt8] {
        try take("\\")
        let short: [UInt8: UInt8] = [0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9]
        if let meant = short[byte] {
            at += 1
            return [meant]
        }
        var units = [try unit()]
        if units[0] & 0xFC00 == 0xD800 {
            try take("\\")
            units.append(try unit())
        }
        guard let text = String(validating: units, as: UTF16.self) else { throw refusal("a lone surrogate") }
        return Array(text.utf8)
    }

    private mutating func unit() throws(Refusal) -> UInt16 {
        try take("u")
        guard at + 4 <= bytes.count, bytes[at..<at + 4].allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw refusal("four hexadecimal digits expected") }
        at += 4
        return unit
    }

    private mutating func number() throws(Refusal) -> String {
        let start = at
        if byte == UInt8(ascii: "-") { at += 1 }
        if byte == UInt8(ascii: "0") { at += 1 } else { try digits() }
        var isInteger = true
        if byte == UInt8(ascii: ".") {
            isInteger = false
            at += 1
            try digits()
        }
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            isInteger = false
            at += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        let fits = isInteger ? Int64(text) != nil || UInt64(text) != nil : (Double(text) ?? .infinity).isFinite
        guard fits else { throw refusal("the number is out of range") }
        return text
    }

    private mutating func digits() throws(Refusal) {
        let start = at
        while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        guard at > start else { throw refusal("a digit expected") }
    }
}
