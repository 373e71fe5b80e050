import Foundation

/// What is wrong with a note, a key, or something written in one.
package enum NoteError: Error, Equatable, CustomStringConvertible {
    /// The bytes are no signed note; says why.
    case malformed(String)
    /// A key cannot be read; says why.
    case key(String)
    /// None of the keys at hand signed it; the signers, as `NAME+ID`.
    case unknownSigners([String])
    /// It claims to be signed by this key, as `NAME+ID`, and is not: it was changed after signing.
    case badSignature(String)

    package var description: String {
        switch self {
        case .malformed(let reason), .key(let reason): reason
        case .unknownSigners(let signers):
            signers.isEmpty
                ? "it carries no signature" : "it is signed by \(signers.joined(separator: ", ")), which is none of the given keys"
        case .badSignature(let signer): "the signature of \(signer) does not fit the text: it was changed after it was signed"
        }
    }
}

/// One signature line of a note.
package struct NoteSignature: Sendable, Equatable {
    package var name: String
    package var id: UInt32
    /// Without the id; 64 bytes for Ed25519.
    package var bytes: [UInt8]

    package var signer: String { "\(name)+\(VerifierKey.text(id: id))" }
}

/// A text signed by one or more keys (c2sp.org/signed-note): text, empty line, signature lines.
package struct SignedNote: Sendable, Equatable {
    /// Ends in a newline. To be believed only after ``verify(_:)``.
    package let text: String
    package var signatures: [NoteSignature]

    /// The specification asks for a bound, of at least 16.
    static let signaturesMax = 100

    package init(text: String, signatures: [NoteSignature]) throws {
        guard text.hasSuffix("\n"), text.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x0A }) else {
            throw NoteError.malformed("a note's text ends in a newline and holds no control characters")
        }
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note. Throws `NoteError.malformed`.
    package init(_ bytes: [UInt8]) throws {
        guard let whole = String(validating: bytes, as: UTF8.self) else { throw NoteError.malformed("it is not UTF-8") }
        // The last empty line parts text and signatures; compared as bytes, since "\r\n" is one character to String.
        guard whole.utf8.last == 0x0A, let blank = Self.lastBlankLine(bytes) else {
            throw NoteError.malformed("it does not end in an empty line and signatures")
        }
        var signatures: [NoteSignature] = []
        for line in bytes[(blank + 2)..<(bytes.count - 1)].split(separator: 0x0A, omittingEmptySubsequences: false) {
            signatures.append(try Self.signature(String(decoding: line, as: UTF8.self)))
        }
        guard signatures.count <= Self.signaturesMax else { throw NoteError.malformed("it has more than \(Self.signaturesMax) signatures") }
        try self.init(text: String(decoding: bytes[...blank], as: UTF8.self), signatures: signatures)
    }

    package func encoded() -> [UInt8] {
        var note = text + "\n"
        for signature in signatures {
            let id = (0..<4).map { UInt8(truncatingIfNeeded: signature.id >> UInt32(24 - 8 * $0)) }
            note += "\u{2014} \(signature.name) \(Base64.encode(id + signature.bytes))\n"
        }
        return Array(note.utf8)
    }

    /// The keys among `keys` that signed this text; at least one. A signature of a known key that does not fit makes the
    /// whole note bad, as the specification advises. Throws `NoteError`.
    @discardableResult
    package func verify(_ keys: [VerifierKey]) throws -> [VerifierKey] {
        var signers: [VerifierKey] = []
        for signature in signatures {
            for key in keys where key.name == signature.name && key.id == signature.id {
                guard key.accepts(signature.bytes, of: text) else { throw NoteError.badSignature(signature.signer) }
                if !signers.contains(key) { signers.append(key) }
            }
        }
        guard !signers.isEmpty else { throw NoteError.unknownSigners(signatures.map(\.signer)) }
        return signers
    }

    private static func lastBlankLine(_ bytes: [UInt8]) -> Int? {
        guard bytes.count > 2 else { return nil }
        return (0..<bytes.count - 2).last { bytes[$0] == 0x0A && bytes[$0 + 1] == 0x0A }
    }

    private static func signature(_ line: String) throws -> NoteSignature {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "\u{2014}", VerifierKey.isName(String(parts[1])), let bytes = Base64.decode(parts[2]),
            bytes.count > 4
        else { throw NoteError.malformed("\"\(line.prefix(60))\" is no signature line") }
        return NoteSignature(
            name: String(parts[1]), id: bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }, bytes: Array(bytes.dropFirst(4)))
    }
}
