import Crypto
import Foundation

/// The Ed25519 key that signs checkpoints and records. Its text form, `PRIVATE+KEY+NAME+HASH+BASE64`, is that of
/// golang.org/x/mod/sumdb/note, the reference implementation of signed notes.
package struct SigningKey: Sendable {
    package let verifier: VerifierKey
    private let key: Curve25519.Signing.PrivateKey

    package var name: String { verifier.name }

    /// A new key. Throws `NoteError.key` when `name` cannot name one.
    package init(name: String) throws { try self.init(name: name, key: Curve25519.Signing.PrivateKey()) }

    /// Reads the text form. Throws `NoteError.key`, whose text never repeats the key.
    package init(_ text: String) throws {
        let parts = text.trimmingCharacters(in: .whitespacesAndNewlines)
            .split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY", let encoded = Base64.decode(parts[4]),
            encoded.first == VerifierKey.signatureType,
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: encoded.dropFirst())
        else { throw NoteError.key("it does not read PRIVATE+KEY+NAME+HASH+BASE64") }
        try self.init(name: String(parts[2]), key: key)
        guard parts[3] == VerifierKey.text(id: verifier.id) else { throw NoteError.key("its hash does not fit its name and key") }
    }

    private init(name: String, key: Curve25519.Signing.PrivateKey) throws {
        self.key = key
        verifier = try VerifierKey(name: name, publicKey: Array(key.publicKey.rawRepresentation))
    }

    /// The private text form; whoever has it can sign.
    var secret: String {
        let encoded = Base64.encode([VerifierKey.signatureType] + Array(key.rawRepresentation))
        return "PRIVATE+KEY+\(name)+\(VerifierKey.text(id: verifier.id))+\(encoded)"
    }

    /// A note with this key's signature. `text` must end in a newline and hold no control characters beside newlines.
    package func sign(_ text: String) throws -> SignedNote {
        var note = try SignedNote(text: text, signatures: [])
        note.signatures.append(NoteSignature(name: name, id: verifier.id, bytes: Array(try key.signature(for: Data(text.utf8)))))
        return note
    }
}
