/// The members of one JSON object, as ranges of its bytes: for envelopes, where values are passed on as they are.
///
/// It does not judge values; the normaliser does that with whatever is made of them. An object that it cannot follow
/// gives `nil`, and goes to the normaliser unchanged to be refused with its place.
struct JSONMembers {
    struct Member {
        /// As written, without quotes; keys with escapes match no attribute.
        var key: String
        var value: Range<Int>
    }

    static func read(_ bytes: UnsafeRawBufferPointer) -> [Member]? {
        var reader = Reader(bytes: bytes)
        return reader.members()
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var at = 0

        mutating func members() -> [Member]? {
            var members: [Member] = []
            guard take("{") else { return nil }
            if take("}") { return isAtEnd() ? members : nil }
            while true {
                guard let key = value(), bytes[key.lowerBound] == UInt8(ascii: "\""), key.count >= 2, take(":"), let value = value() else {
                    return nil
                }
                members.append(Member(key: String(decoding: bytes[key.lowerBound + 1..<key.upperBound - 1], as: UTF8.self), value: value))
                if take("}") { return isAtEnd() ? members : nil }
                guard take(",") else { return nil }
            }
        }

        private mutating func skipSpace() {
            while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == 0x0A || bytes[at] == 0x0D { at += 1 }
        }

        private mutating func take(_ sign: Unicode.Scalar) -> Bool {
            skipSpace()
            guard at < bytes.count, bytes[at] == UInt8(ascii: sign) else { return false }
            at += 1
            return true
        }

        private mutating func isAtEnd() -> Bool {
            skipSpace()
            return at == bytes.count
        }

        private mutating func value() -> Range<Int>? {
            skipSpace()
            let start = at
            guard at < bytes.count else { return nil }
            let first = bytes[at]
            guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") || first == UInt8(ascii: "\"") else {
                while at < bytes.count, !Self.ends(bytes[at]) { at += 1 }
                return at > start ? start..<at : nil
            }
            var scan = ValueScan()
            while at < bytes.count {
                let byte = bytes[at]
                at += 1
                if scan.closes(byte) { return start..<at }
            }
            return nil
        }

        private static func ends(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: ":") || byte <= 0x20
        }
    }
}
