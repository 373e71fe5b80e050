import EventModel

/// What may be done to a line: everything but what the index, other stores and the reader rely on.
struct LineChange {
    let change: (_ tenant: UInt32, _ line: UnsafeRawBufferPointer) throws -> [UInt8]?

    /// `nil` when the line stays. Throws ``StoreError/refused(reason:)`` when what comes instead is not the same event.
    func callAsFunction(_ tenant: UInt32, _ line: UnsafeRawBufferPointer) throws -> [UInt8]? {
        guard let new = try change(tenant, line), let old = CanonicalLine(line) else { return nil }
        if new.count == line.count, new.withUnsafeBytes({ equal($0.baseAddress!, line.baseAddress!, line.count) }) { return nil }
        let isSame = new.withUnsafeBytes { bytes -> Bool in
            guard let head = CanonicalLine(bytes), bytes[bytes.count - 1] == UInt8(ascii: "}"), !bytes.contains(UInt8(ascii: "\n")),
                head.bodyStart == old.bodyStart
            else { return false }
            return equal(bytes.baseAddress!, line.baseAddress!, old.bodyStart + Self.timeLength) && Self.facts(head) == Self.facts(old)
        }
        guard isSame else {
            throw StoreError.refused(
                reason: "seq \(old.seq) of tenant number \(tenant): seq, id, received, time, tenant, kind, action or outcome would change")
        }
        return new
    }

    /// `"time":"…24…"`
    private static let timeLength = 7 + 26

    private static func facts(_ line: CanonicalLine) -> [String: String] {
        var facts: [String: String] = [:]
        var cursor = CanonicalLineCursor()
        cursor.startFields(line.body)
        while cursor.next() {
            guard cursor.depth == 1 else { continue }
            let key = String(decoding: cursor.key(1), as: UTF8.self)
            if ["tenant", "kind", "action", "outcome"].contains(key) { facts[key] = String(decoding: cursor.value, as: UTF8.self) }
        }
        return facts
    }
}
