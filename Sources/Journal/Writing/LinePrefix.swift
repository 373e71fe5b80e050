import EventModel

/// What the writer puts in front of a body: `{"seq":12,"id":"…","received":"…",`.
///
/// Within a group only seq and the lower half of the id change; the rest is two fixed pieces that are copied.
struct LinePrefix {
    /// `,"id":"` and the 19 characters of the id that time and node decide.
    private let idPiece: [UInt8]
    /// `","received":"2026-11-20T12:34:56.789Z",`.
    private let receivedPiece: [UInt8]

    /// Longest seq: 20 digits.
    static let maxLength = 7 + 20 + 7 + EventID.textLength + 14 + Timestamp.textLength + 2
    /// All but the digits of seq.
    static let fixedLength = maxLength - 20

    /// Two characters for each byte.
    private static let hexadecimal: [UInt16] = (0..<256).map { byte in
        let digits = Array("0123456789abcdef".utf8)
        return UInt16(digits[byte >> 4]) | UInt16(digits[byte & 15]) << 8
    }

    init(received: Timestamp, node: UInt16) {
        let id = EventID(received: received.milliseconds, node: node, tenant: 0, position: 0).description
        idPiece = Array(",\"id\":\"".utf8) + Array(id.utf8.prefix(19))
        receivedPiece = Array("\",\"received\":\"\(received)\",".utf8)
    }

    /// Writes at `target`, which has room for `maxLength`; returns the number of bytes.
    @inline(__always)
    func write(seq: UInt64, tenant: UInt32, position: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        var at = 7
        UnsafeMutableRawPointer(target).storeBytes(of: Self.opening.littleEndian, as: UInt64.self)
        at += Self.write(decimal: seq, to: target + at)
        idPiece.withUnsafeBufferPointer { (target + at).update(from: $0.baseAddress!, count: 26) }
        at += 26
        let low = 0b10 << 62 | UInt64(tenant) << 44 | position
        Self.hexadecimal.withUnsafeBufferPointer { pairs in
            let raw = UnsafeMutableRawPointer(target + at)
            raw.storeBytes(of: pairs[Int(low >> 56)], toByteOffset: 0, as: UInt16.self)
            raw.storeBytes(of: pairs[Int(low >> 48 & 0xFF)], toByteOffset: 2, as: UInt16.self)
            target[at + 4] = UInt8(ascii: "-")
            for index in 0..<6 {
                raw.storeBytes(of: pairs[Int(low >> UInt64(40 - index * 8) & 0xFF)], toByteOffset: 5 + index * 2, as: UInt16.self)
            }
        }
        at += 17
        receivedPiece.withUnsafeBufferPointer { (target + at).update(from: $0.baseAddress!, count: 40) }
        return at + 40
    }

    /// `{"seq":` and one byte more that the digits overwrite.
    private static let opening: UInt64 = 0x00_3A_22_71_65_73_22_7B

    @inline(__always)
    private static func write(decimal value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        let count = digits(of: value)
        var rest = value
        var at = count
        repeat {
            at -= 1
            target[at] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while at > 0
        return count
    }

    @inline(__always)
    static func digits(of value: UInt64) -> Int {
        var count = 1
        var bound: UInt64 = 10
        while count < 20, value >= bound {
            count += 1
            bound &*= 10
        }
        return count
    }
}
