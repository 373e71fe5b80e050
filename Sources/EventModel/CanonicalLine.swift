/// One canonical line, seen through what its fixed head tells without parsing:
/// `{"seq":12,"id":"…36…","received":"…24…","time":"…24…",…}`.
public struct CanonicalLine {
    public let bytes: UnsafeRawBufferPointer
    /// Per tenant, from 1.
    public let seq: UInt64
    /// Where `"time":` starts: the head before it is the batching writer's, what follows the normalising stage's.
    public let bodyStart: Int

    /// `line` with or without its newline; `nil` when the head is not that of a canonical line.
    @inlinable
    public init?(_ line: UnsafeRawBufferPointer) {
        var at = 7
        var number: UInt64 = 0
        guard line.count > Self.shortest else { return nil }
        while line[at] &- UInt8(ascii: "0") < 10, at < 28 {
            number = number &* 10 &+ UInt64(line[at] - UInt8(ascii: "0"))
            at += 1
        }
        guard at > 7, line[at] == UInt8(ascii: ","), at + Self.headTail + 35 <= line.count, line[at + 7 + 36] == UInt8(ascii: "\"") else {
            return nil
        }
        bytes = line
        seq = number
        bodyStart = at + Self.headTail
    }

    /// `,"id":"…36…","received":"…24…",`
    @usableFromInline static var headTail: Int { 7 + 36 + 14 + 24 + 2 }
    @usableFromInline static var shortest: Int { 7 + 1 + headTail + 34 }

    /// Event time, milliseconds since 1970.
    @inlinable
    public var time: Int64 { Self.milliseconds(bytes.baseAddress! + bodyStart + 8) }

    @inlinable
    public var received: Int64 { Self.milliseconds(bytes.baseAddress! + bodyStart - 26) }

    /// Global position, from the last eleven digits of the id (see ``EventID``).
    @inlinable
    public var position: UInt64 {
        let digits = bytes.baseAddress! + (bodyStart - 26 - 14 - 11)
        var value: UInt64 = 0
        for index in 0..<11 {
            let byte = digits.load(fromByteOffset: index, as: UInt8.self)
            value = value << 4 | UInt64(byte <= UInt8(ascii: "9") ? byte &- UInt8(ascii: "0") : byte &- (UInt8(ascii: "a") - 10))
        }
        return value
    }

    /// The 36 characters of the id.
    public var id: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[bodyStart - 26 - 14 - 36..<bodyStart - 26 - 14]) }

    /// From `"time":` to the closing brace, as in ``NormalisedBatch``.
    public var body: UnsafeRawBufferPointer {
        let end = bytes.count - (bytes[bytes.count - 1] == UInt8(ascii: "\n") ? 1 : 0)
        return UnsafeRawBufferPointer(rebasing: bytes[bodyStart..<end])
    }

    /// Reads the 24 characters that ``Timestamp/write(to:)`` wrote.
    @inlinable
    static func milliseconds(_ text: UnsafeRawPointer) -> Int64 {
        @inline(__always) func digit(_ index: Int) -> Int { Int(text.load(fromByteOffset: index, as: UInt8.self)) - 48 }
        let year = digit(0) * 1000 + digit(1) * 100 + digit(2) * 10 + digit(3)
        let days = Timestamp.days(year: year, month: digit(5) * 10 + digit(6), day: digit(8) * 10 + digit(9))
        let seconds = (digit(11) * 10 + digit(12)) * 3600 + (digit(14) * 10 + digit(15)) * 60 + digit(17) * 10 + digit(18)
        return days * 86_400_000 + Int64(seconds * 1000 + digit(20) * 100 + digit(21) * 10 + digit(22))
    }
}

extension CanonicalLine {
    /// The value of the root field `original_id` as it is written, `nil` where there is none. `body` ends in the
    /// closing brace.
    ///
    /// It is the last field of most events, so the end is looked at first: a string right before the last brace is
    /// a root field's value.
    public static func originalID(body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let count = body.count
        guard count > 32, body[count - 1] == UInt8(ascii: "}") else { return nil }
        guard body[count - 2] == UInt8(ascii: "\"") else { return findOriginalID(body) }
        var at = count - 3
        while at > 20 {
            if body[at] == UInt8(ascii: "\"") {
                guard body[at - 1] != UInt8(ascii: "\\") else { return findOriginalID(body) }
                break
            }
            at -= 1
        }
        guard at > 20 else { return findOriginalID(body) }
        let key = body.baseAddress! + (at - originalIDKey.utf8CodeUnitCount)
        guard equalBytes(key, UnsafeRawPointer(originalIDKey.utf8Start), originalIDKey.utf8CodeUnitCount) else {
            return findOriginalID(body)
        }
        return UnsafeRawBufferPointer(rebasing: body[at + 1..<count - 2])
    }

    private static var originalIDKey: StaticString { ",\"original_id\":" }

    @inline(never)
    private static func findOriginalID(_ body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        // Only a quoted key looks like this: inside of a string both quotes would be escaped. It may be another object's.
        var cursor = CanonicalLineCursor()
        cursor.startFields(body)
        while cursor.next() {
            guard cursor.depth == 1, cursor.isString else { continue }
            let key = cursor.key(1)
            guard key.count == 11, equalBytes(key.baseAddress!, UnsafeRawPointer(("original_id" as StaticString).utf8Start), 11) else {
                continue
            }
            return cursor.value
        }
        return nil
    }

    /// Turns the inside of a canonical string into plain UTF-8.
    public static func unescape(_ text: UnsafeRawBufferPointer, into target: inout [UInt8]) {
        target.removeAll(keepingCapacity: true)
        var at = 0
        while at < text.count {
            let byte = text[at]
            guard byte == UInt8(ascii: "\\"), at + 1 < text.count else {
                target.append(byte)
                at += 1
                continue
            }
            at += 2
            switch text[at - 1] {
            case UInt8(ascii: "b"): target.append(0x08)
            case UInt8(ascii: "t"): target.append(0x09)
            case UInt8(ascii: "n"): target.append(0x0A)
            case UInt8(ascii: "f"): target.append(0x0C)
            case UInt8(ascii: "r"): target.append(0x0D)
            case UInt8(ascii: "u"):
                // Canonical lines write only control characters this way: two zeros and two digits.
                guard at + 4 <= text.count else { return }
                let high = EventID.value(ofHexDigit: text[at + 2]) ?? 0
                let low = EventID.value(ofHexDigit: text[at + 3]) ?? 0
                target.append(UInt8(truncatingIfNeeded: high << 4 | low))
                at += 4
            case let other: target.append(other)
            }
        }
    }
}

extension CanonicalLineCursor {
    /// Starts inside of the root object, at a key or the comma before it: the body of a line or the end of one.
    public mutating func startFields(_ body: UnsafeRawBufferPointer) {
        start(body)
        depth = 1
        objects = 0b10
        if end > 0, base[0] == UInt8(ascii: ",") { at = 1 }
        readKey()
    }
}
