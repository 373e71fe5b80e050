import Crypto
import Foundation

/// The public half of a signing key, named: what a receiver needs to check notes (c2sp.org/signed-note).
///
/// As text `NAME+HASH+BASE64`: the name, the key id in eight hex digits, and the signature type with the 32 bytes of the
/// key, in base64.
package struct VerifierKey: Sendable, Equatable, CustomStringConvertible {
    /// Neither empty nor with spaces or `+`.
    package let name: String
    /// First four bytes, big-endian, of SHA-256(name || 0x0A || 0x01 || public key).
    package let id: UInt32
    /// 32 bytes (RFC 8032).
    package let publicKey: [UInt8]

    /// Ed25519 as c2sp.org/signed-note defines it; other types cannot be read.
    static let signatureType: UInt8 = 0x01

    /// Throws `NoteError.key` when the name or the key cannot be one.
    package init(name: String, publicKey: [UInt8]) throws {
        guard Self.isName(name) else { throw NoteError.key("\"\(name)\" cannot name a key: it is empty or holds a space or a plus sign") }
        guard (try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey)) != nil else {
            throw NoteError.key("these \(publicKey.count) bytes are no Ed25519 public key")
        }
        self.name = name
        self.publicKey = publicKey
        let hash = SHA256.hash(data: Array(name.utf8) + [0x0A, Self.signatureType] + publicKey)
        id = hash.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Reads `NAME+HASH+BASE64`, spaces and newlines around it ignored. Throws `NoteError.key`.
    package init(_ text: String) throws {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let parts = trimmed.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw NoteError.key("a verifier key reads NAME+HASH+BASE64, this is \"\(trimmed.prefix(80))\"") }
        guard let encoded = Base64.decode(parts[2]), encoded.first == Self.signatureType else {
            throw NoteError.key("the verifier key of \(parts[0]) is not one of Ed25519: its third part must be base64 of 0x01 and 32 bytes")
        }
        try self.init(name: String(parts[0]), publicKey: Array(encoded.dropFirst()))
        guard parts[1] == Self.text(id: id) else {
            throw NoteError.key("the verifier key of \(name) is damaged: its hash is \(parts[1]), that of its bytes \(Self.text(id: id))")
        }
    }

    package var description: String { "\(name)+\(Self.text(id: id))+\(Base64.encode([Self.signatureType] + publicKey))" }

    /// Eight hex digits.
    package static func text(id: UInt32) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    func accepts(_ signature: [UInt8], of text: String) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: Data(text.utf8))
    }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty && !text.contains("+") && !text.unicodeScalars.contains { $0.properties.isWhitespace || $0.value < 0x20 }
    }
}
