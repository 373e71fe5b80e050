/// A JSON value as it was written: texts are kept with their escapes, doubled keys stay, bytes need be no UTF-8. For
/// refused events, which the event's own tree may be unable to hold.
indirect enum RawJSON {
    case object([(key: [UInt8], value: RawJSON)])
    case array([RawJSON])
    /// Without its quotes, escaped.
    case string([UInt8])
    case other([UInt8])

    /// Deeper values are treated as text: this recursion's bound.
    private static let depth = 64

    /// `nil` where the brackets, commas and quotes are not those of one JSON value.
    static func read(_ bytes: [UInt8]) -> RawJSON? {
        var reader = Reader(bytes: bytes)
        guard let value = reader.value(depth: depth) else { return nil }
        reader.skipSpace()
        return reader.at == bytes.count ? value : nil
    }

    func write(to output: inout [UInt8]) {
        switch self {
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                RawJSON.string(member.key).write(to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .string(let text):
            output.append(UInt8(ascii: "\""))
            output += text
            output.append(UInt8(ascii: "\""))
        case .other(let text): output += text
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        mutating func skipSpace() { while at < bytes.count, TextScrub.isSpace(bytes[at]) { at += 1 } }

        private mutating func take(_ sign: Unicode.Scalar) -> Bool {
            skipSpace()
            guard at < bytes.count, bytes[at] == UInt8(ascii: sign) else { return false }
            at += 1
            return true
        }

        mutating func value(depth: Int) -> RawJSON? {
            guard depth > 0 else { return nil }
            if take("{") { return object(depth) }
            if take("[") { return array(depth) }
            if take("\"") { return string().map(RawJSON.string) }
            let start = at
            while at < bytes.count, TextScrub.isKeyByte(bytes[at]) || bytes[at] == UInt8(ascii: "+"), bytes[at] != UInt8(ascii: "["),
                bytes[at] != UInt8(ascii: "]")
            {
                at += 1
            }
            return at > start ? .other(Array(bytes[start..<at])) : nil
        }

        private mutating func object(_ depth: Int) -> RawJSON? {
            var members: [(key: [UInt8], value: RawJSON)] = []
            if take("}") { return .object(members) }
            repeat {
                guard take("\""), let key = string(), take(":"), let value = value(depth: depth - 1) else { return nil }
                members.append((key, value))
            } while take(",")
            return take("}") ? .object(members) : nil
        }

        private mutating func array(_ depth: Int) -> RawJSON? {
            var elements: [RawJSON] = []
            if take("]") { return .array(elements) }
            repeat {
                guard let value = value(depth: depth - 1) else { return nil }
                elements.append(value)
            } while take(",")
            return take("]") ? .array(elements) : nil
        }

        private mutating func string() -> [UInt8]? {
            let start = at
            while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
            guard at < bytes.count else { return nil }
            at += 1
            return Array(bytes[start..<at - 1])
        }
    }
}
