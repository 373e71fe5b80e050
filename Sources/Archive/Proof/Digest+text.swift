import Crypto
import Foundation

extension Digest {
    /// SHA-256 of `bytes`.
    package init(of bytes: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        self.init(hash.finalize())
    }

    /// SHA-256 of `bytes`.
    package init(of bytes: [UInt8]) { self = bytes.withUnsafeBytes { Digest(of: $0) } }

    /// 64 lower-case hex digits, as `sha256sum` prints them.
    package var hex: String {
        String(unsafeUninitializedCapacity: 2 * Self.count) { target in
            let digits: StaticString = "0123456789abcdef"
            for (index, byte) in bytes.enumerated() {
                target[2 * index] = digits.utf8Start[Int(byte >> 4)]
                target[2 * index + 1] = digits.utf8Start[Int(byte & 15)]
            }
            return 2 * Self.count
        }
    }

    /// `nil` unless these are 64 lower-case hex digits.
    package init?(hex: some StringProtocol) {
        let digits = Array(hex.utf8)
        guard digits.count == 2 * Self.count else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        self.init(bytes)
    }

    /// Standard base64 (RFC 4648, section 4), 44 characters: what C2SP writes.
    package var base64: String { Data(bytes).base64EncodedString() }

    /// `nil` unless it is the one canonical base64 form of 32 bytes.
    package init?(base64: some StringProtocol) {
        guard let bytes = Base64.decode(base64) else { return nil }
        self.init(bytes)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension Digest: CustomStringConvertible {
    package var description: String { hex }
}

/// Base64 with exactly one spelling a value: unused bits that are set, which Foundation reads, would let the same
/// signature be written in several ways.
enum Base64 {
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard let data = Data(base64Encoded: String(text)), data.base64EncodedString() == text else { return nil }
        return Array(data)
    }

    static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
