/// Writes the numbers of a section: fixed ones little-endian, others as varints (LEB128: seven bits a byte, lowest first).
struct SectionWriter {
    private(set) var bytes: [UInt8] = []

    mutating func fixed(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 128 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func varint(_ value: Int) { varint(UInt64(value)) }

    /// Small numbers of either sign become short: 0, -1, 1, -2 … as 0, 1, 2, 3.
    mutating func signed(_ value: Int64) { varint(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    /// A length, then UTF-8.
    mutating func text(_ text: String) {
        varint(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }
}

/// Reads what ``SectionWriter`` wrote. Sections are checked before they are read; what does not fit all the same is a
/// number that no writer wrote, and throws ``IndexDamage``.
struct SectionReader {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { at == bytes.count }

    mutating func fixed<Number: FixedWidthInteger>(_: Number.Type) throws(IndexDamage) -> Number {
        let count = MemoryLayout<Number>.size
        guard bytes.count - at >= count else { throw IndexDamage("a section ends too early") }
        defer { at += count }
        return bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: Number.self)) }
    }

    mutating func varint() throws(IndexDamage) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < bytes.count, shift < 64 {
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 127) << shift
            if byte < 128 { return value }
            shift += 7
        }
        throw IndexDamage("a number of a section has no end")
    }

    /// A number of things or bytes.
    mutating func count() throws(IndexDamage) -> Int {
        let value = try varint()
        guard value < 1 << 48 else { throw IndexDamage("a section counts more than there can be") }
        return Int(value)
    }

    mutating func signed() throws(IndexDamage) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func text() throws(IndexDamage) -> String {
        let count = try count()
        guard bytes.count - at >= count else { throw IndexDamage("a section ends within a text") }
        defer { at += count }
        return String(decoding: bytes[at..<at + count], as: UTF8.self)
    }
}

/// A part of the index is not what was written. Never leaves the room: the index is made again instead.
struct IndexDamage: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
