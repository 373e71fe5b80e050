/// An event's id: a UUIDv7 (RFC 9562, section 5.7) whose random bits are filled by node, tenant and position, which
/// the RFC allows (section 6.2, methods 1 and 3) and which makes ids unique, ordered and easy to compress.
///
/// | bits | holds |
/// |---|---|
/// | 48 | received, milliseconds since 1970 |
/// | 4 | version, 7 |
/// | 12 | node: drawn once for a data folder |
/// | 2 | variant, binary 10 |
/// | 18 | tenant's number |
/// | 44 | global position in the journal |
///
/// A lookup by id therefore needs no index: the day comes from the time, the block from tenant and position.
public struct EventID: Sendable, Hashable {
    public var received: Int64
    public var node: UInt16
    public var tenant: UInt32
    public var position: UInt64

    public init(received: Int64, node: UInt16, tenant: UInt32, position: UInt64) {
        self.received = received
        self.node = node & 0xFFF
        self.tenant = tenant
        self.position = position
    }

    /// Number of characters of the textual form.
    public static let textLength = 36

    /// Parses the 36 characters of RFC 9562; `nil` for anything else, also for ids of another version.
    public init?(_ text: String) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var digits = 0
        for (index, byte) in text.utf8.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Self.value(ofHexDigit: byte) else { return nil }
            if digits < 16 { high = high << 4 | digit } else { low = low << 4 | digit }
            digits += 1
        }
        guard text.utf8.count == Self.textLength, digits == 32, high >> 12 & 0xF == 7, low >> 62 == 0b10 else { return nil }
        received = Int64(high >> 16)
        node = UInt16(high & 0xFFF)
        tenant = UInt32(low >> 44 & 0x3FFFF)
        position = low & (Limits.positions - 1)
    }

    /// Writes the 36 characters at `target`.
    @inlinable
    public func write(to target: UnsafeMutablePointer<UInt8>) {
        let high = UInt64(truncatingIfNeeded: received) << 16 | 0x7000 | UInt64(node)
        let low = 0b10 << 62 | UInt64(tenant) << 44 | position
        var at = 0
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                target[at] = UInt8(ascii: "-")
                at += 1
            }
            let word = index < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - (index & 15) * 4)) & 0xF
            target[at] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
            at += 1
        }
    }

    static func value(ofHexDigit byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

extension EventID: CustomStringConvertible {
    public var description: String {
        String(unsafeUninitializedCapacity: Self.textLength) { target in
            write(to: target.baseAddress!)
            return Self.textLength
        }
    }
}
