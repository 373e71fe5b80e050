/// That one event is in a tenant's log, for whoever has the public key and nothing else (c2sp.org/tlog-proof):
/// the event's canonical line as extra data, its index, the inclusion proof of RFC 6962 section 2.1.1, the checkpoint.
package struct LogProof: Sendable, Equatable {
    static let header = "c2sp.org/tlog-proof@v1"

    /// The canonical line without its newline. Proven by nothing but the hashes: the leaf is its hash.
    package var line: [UInt8]
    /// From 0.
    package var index: UInt64
    package var hashes: [Digest]
    package var checkpoint: SignedNote

    package init(line: [UInt8], index: UInt64, hashes: [Digest], checkpoint: SignedNote) {
        self.line = line
        self.index = index
        self.hashes = hashes
        self.checkpoint = checkpoint
    }

    package func encoded() -> [UInt8] {
        var text = "\(Self.header)\nextra \(Base64.encode(line))\nindex \(index)\n"
        for hash in hashes { text += hash.base64 + "\n" }
        return Array((text + "\n").utf8) + checkpoint.encoded()
    }

    /// Throws `NoteError.malformed`.
    package init(_ bytes: [UInt8]) throws {
        var lines = bytes[...]
        func next() throws -> String {
            guard let end = lines.firstIndex(of: 0x0A), let line = String(validating: lines[..<end], as: UTF8.self) else {
                throw NoteError.malformed("the proof ends too early")
            }
            lines = lines[(end + 1)...]
            return line
        }
        guard try next() == Self.header else { throw NoteError.malformed("it is no proof: its first line is not \(Self.header)") }
        let extra = try next()
        guard extra.hasPrefix("extra "), let line = Base64.decode(extra.dropFirst(6)) else {
            throw NoteError.malformed("the proof holds no event: its second line must be `extra` and base64")
        }
        let position = try next()
        guard position.hasPrefix("index "), let index = UInt64(position.dropFirst(6)), "index \(index)" == position else {
            throw NoteError.malformed("the proof's third line must be `index` and a number")
        }
        var hashes: [Digest] = []
        while case let text = try next(), !text.isEmpty {
            guard let hash = Digest(base64: text), hashes.count < 64 else {
                throw NoteError.malformed("\"\(text.prefix(60))\" is no hash of a proof")
            }
            hashes.append(hash)
        }
        self.init(line: line, index: index, hashes: hashes, checkpoint: try SignedNote(Array(lines)))
    }

    /// Checks signature and path, and answers the checkpoint that the event is in. Throws `NoteError` for the note, and
    /// ``ProofMismatch`` where the event is not in the tree.
    package func verify(_ keys: [VerifierKey]) throws -> (checkpoint: Checkpoint, signers: [VerifierKey]) {
        let signers = try checkpoint.verify(keys)
        let head = try Checkpoint(checkpoint.text)
        guard let root = MerklePath.root(leafHash: MerkleHash.leaf(line), index: index, size: head.size, proof: hashes), root == head.root
        else { throw ProofMismatch() }
        return (head, signers)
    }
}

/// Event, index and hashes do not lead to the root that was signed.
package struct ProofMismatch: Error, Equatable, CustomStringConvertible {
    package var description: String {
        "the event is not in the tree that was signed: the line, its index or a hash of the proof was changed"
    }
}
