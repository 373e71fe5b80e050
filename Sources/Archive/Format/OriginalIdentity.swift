import EventModel
import EventStore
import Glibc

/// The identities of one tenant's lines, as deduplication knows them (``LineIdentity``), without a walk through each line.
///
/// `original_id` stands last in most lines and `producer`, if there is one, right before it. Where the bytes before
/// `original_id` are those of the producer object that a line of before ended in, the producer is the same: they begin with a
/// comma and a quoted key, which within a string would be escaped, and hold a whole object, so they can be nothing else. And
/// a line in which that key occurs nowhere has no producer. Every other line is walked.
struct OriginalIdentity {
    private let tenant: [UInt8]
    /// `,"producer":{…}` of a line that was walked, and the name in it.
    private var producerField: [UInt8] = []
    private var producer: [UInt8] = []
    private var unescaped: [UInt8] = []

    private static let longestField = 512

    init(tenantName: String) { tenant = Array(tenantName.utf8) }

    /// 0 for an event without `original_id`. `body` as in `CanonicalLine`.
    mutating func identity(_ body: UnsafeRawBufferPointer) -> UInt64 {
        guard let value = CanonicalLine.originalID(body: body), value.count > 0 else { return 0 }
        let fieldEnd = value.baseAddress! - body.baseAddress! - Self.keyBytes
        guard fieldEnd + Self.keyBytes + value.count + 2 == body.count else { return LineIdentity(body).identity }
        if !producerField.isEmpty, fieldEnd >= producerField.count,
            producerField.withUnsafeBytes({ memcmp($0.baseAddress!, body.baseAddress! + fieldEnd - $0.count, $0.count) == 0 })
        {
            return identity(value, producer)
        }
        if body[fieldEnd - 1] != UInt8(ascii: "}") || !Self.hasProducer(UnsafeRawBufferPointer(rebasing: body[..<fieldEnd])) {
            return identity(value, [])
        }
        let identity = LineIdentity(body).identity
        learn(UnsafeRawBufferPointer(rebasing: body[max(0, fieldEnd - Self.longestField)..<fieldEnd]), value, identity)
        return identity
    }

    private mutating func identity(_ value: UnsafeRawBufferPointer, _ producer: [UInt8]) -> UInt64 {
        guard memchr(value.baseAddress!, Int32(UInt8(ascii: "\\")), value.count) != nil else { return Self.hash(tenant, producer, value) }
        CanonicalLine.unescape(value, into: &unescaped)
        return unescaped.withUnsafeBytes { Self.hash(tenant, producer, $0) }
    }

    /// Remembers the producer that `before` ends in, if it leads to the identity that the walk found.
    private mutating func learn(_ before: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ identity: UInt64) {
        guard before.last == UInt8(ascii: "}"), let start = Self.lastField(before) else { return }
        let field = Array(before[start...])
        // Names with braces or quotes are left to the walk.
        let name = field.dropFirst(Self.field.count).prefix { $0 != UInt8(ascii: "\"") }
        guard !field.dropLast().contains(UInt8(ascii: "}")), !field.contains(UInt8(ascii: "\\")),
            self.identity(value, Array(name)) == identity
        else { return }
        producerField = field
        producer = Array(name)
    }

    /// Looks at what stands before each brace, because an event has few of them.
    private static func hasProducer(_ body: UnsafeRawBufferPointer) -> Bool {
        let end = body.baseAddress! + body.count
        var at = body.baseAddress! + keyPartBytes
        while at < end, let brace = memchr(at, Int32(UInt8(ascii: "{")), end - at) {
            let place = UnsafeRawPointer(brace)
            if field.withUnsafeBytes({ memcmp(place - keyPartBytes, $0.baseAddress!, keyPartBytes) == 0 }) { return true }
            at = place + 1
        }
        return false
    }

    private static func lastField(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var at = bytes.count - field.count
        while at >= 0 {
            if bytes[at] == field[0], bytes[at..<at + field.count].elementsEqual(field) { return at }
            at -= 1
        }
        return nil
    }

    private static let field = Array(",\"producer\":{\"name\":\"".utf8)
    private static let keyPartBytes = ",\"producer\":".utf8.count
    private static let keyBytes = ",\"original_id\":\"".utf8.count

    private static func hash(_ tenant: [UInt8], _ producer: [UInt8], _ value: UnsafeRawBufferPointer) -> UInt64 {
        tenant.withUnsafeBytes { tenant in
            producer.withUnsafeBytes { Hash64.identity(tenant: tenant, producer: $0, originalID: value) }
        }
    }
}
