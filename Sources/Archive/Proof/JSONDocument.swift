/// JSON as the archive writes it itself: manifests and records. Members keep their order, numbers are integers, and a
/// document reads back only when it is byte for byte what the writer makes of it: one value, one spelling, so that a
/// hash of a manifest is a hash of what it says.
///
/// Foundation's reader takes trailing commas and duplicate keys, and its writer has no order of its own.
package enum JSONDocument: Equatable {
    case null
    case number(Int)
    case string(String)
    case array([JSONDocument])
    case object([(String, JSONDocument)])

    package static func == (left: JSONDocument, right: JSONDocument) -> Bool { left.line() == right.line() }

    /// On one line without spaces.
    func line() -> String {
        var text = ""
        write(to: &text)
        return text
    }

    /// Over several lines, two spaces a level; arrays whose elements hold no objects are rows: one line each.
    func pretty() -> String {
        var text = ""
        write(to: &text, indentation: 0)
        return text + "\n"
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .number(let value): text += String(value)
        case .string(let value): Self.quote(value, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                Self.quote(member.0, to: &text)
                text += ":"
                member.1.write(to: &text)
            }
            text += "}"
        }
    }

    private func write(to text: inout String, indentation: Int) {
        let inner = String(repeating: " ", count: indentation + 2)
        let outer = String(repeating: " ", count: indentation)
        switch self {
        case .object(let members) where !members.isEmpty:
            text += "{\n"
            for (index, member) in members.enumerated() {
                text += inner
                Self.quote(member.0, to: &text)
                text += ": "
                member.1.write(to: &text, indentation: indentation + 2)
                text += index == members.count - 1 ? "\n" : ",\n"
            }
            text += outer + "}"
        case .array(let elements) where !elements.isEmpty:
            text += "[\n"
            for (index, element) in elements.enumerated() {
                text += inner
                element.write(to: &text)
                text += index == elements.count - 1 ? "\n" : ",\n"
            }
            text += outer + "]"
        default: write(to: &text)
        }
    }

    private static func quote(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

/// Reads what ``JSONDocument`` writes, and a little more; the byte for byte comparison is the caller's.
struct JSONDocumentReader {
    struct Failure: Error { var offset: Int }

    private let bytes: [UInt8]
    private var at = 0
    private var depth = 0
    /// A manifest needs four.
    private static let depthMax = 8

    static func read(_ bytes: [UInt8]) throws(Failure) -> JSONDocument {
        var reader = JSONDocumentReader(bytes: bytes)
        let value = try reader.value()
        reader.skipSpace()
        guard reader.at == bytes.count else { throw Failure(offset: reader.at) }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func value() throws(Failure) -> JSONDocument {
        skipSpace()
        guard at < bytes.count else { throw Failure(offset: at) }
        switch bytes[at] {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "n"):
            guard bytes[at...].starts(with: Array("null".utf8)) else { throw Failure(offset: at) }
            at += 4
            return .null
        default:
            let start = at
            while at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] &- UInt8(ascii: "0") < 10 { at += 1 }
            guard let number = Int(String(decoding: bytes[start..<at], as: UTF8.self)) else { throw Failure(offset: start) }
            return .number(number)
        }
    }

    private mutating func object() throws(Failure) -> [(String, JSONDocument)] {
        var members: [(String, JSONDocument)] = []
        try open()
        while try !close(UInt8(ascii: "}"), isFirst: members.isEmpty) {
            skipSpace()
            let key = try string()
            skipSpace()
            try expect(UInt8(ascii: ":"))
            members.append((key, try value()))
        }
        return members
    }

    private mutating func array() throws(Failure) -> [JSONDocument] {
        var elements: [JSONDocument] = []
        try open()
        while try !close(UInt8(ascii: "]"), isFirst: elements.isEmpty) { elements.append(try value()) }
        return elements
    }

    private mutating func open() throws(Failure) {
        at += 1
        depth += 1
        guard depth <= Self.depthMax else { throw Failure(offset: at) }
    }

    /// Takes the closing bracket, or the comma before the next element.
    private mutating func close(_ bracket: UInt8, isFirst: Bool) throws(Failure) -> Bool {
        skipSpace()
        if at < bytes.count, bytes[at] == bracket {
            at += 1
            depth -= 1
            return true
        }
        if !isFirst { try expect(UInt8(ascii: ",")) }
        return false
    }

    private mutating func string() throws(Failure) -> String {
        try expect(UInt8(ascii: "\""))
        var text: [UInt8] = []
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            guard bytes[at] >= 0x20 else { throw Failure(offset: at) }
            guard bytes[at] == UInt8(ascii: "\\") else {
                text.append(bytes[at])
                at += 1
                continue
            }
            guard at + 1 < bytes.count else { throw Failure(offset: at) }
            switch bytes[at + 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text.append(bytes[at + 1])
                at += 2
            case UInt8(ascii: "u"):
                guard at + 6 <= bytes.count, let code = UInt8(String(decoding: bytes[at + 2..<at + 6], as: UTF8.self), radix: 16),
                    code < 0x20
                else { throw Failure(offset: at) }
                text.append(code)
                at += 6
            default: throw Failure(offset: at)
            }
        }
        try expect(UInt8(ascii: "\""))
        guard let string = String(validating: text, as: UTF8.self) else { throw Failure(offset: at) }
        return string
    }

    private mutating func expect(_ byte: UInt8) throws(Failure) {
        guard at < bytes.count, bytes[at] == byte else { throw Failure(offset: at) }
        at += 1
    }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A { at += 1 }
    }
}
