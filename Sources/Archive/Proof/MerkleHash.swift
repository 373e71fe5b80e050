import Crypto

/// The hashes of RFC 6962, section 2.1: the first byte tells leaves from nodes, so that neither can pass for the other.
package enum MerkleHash {
    /// Root of a tree without leaves: SHA-256 of nothing.
    package static let empty = Digest(SHA256().finalize())

    /// SHA-256(0x00 || line). `line`: a canonical line without its newline.
    package static func leaf(_ line: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        withUnsafeBytes(of: 0 as UInt8) { hash.update(bufferPointer: $0) }
        hash.update(bufferPointer: line)
        return Digest(hash.finalize())
    }

    /// As above, for bytes at hand.
    package static func leaf(_ line: [UInt8]) -> Digest { line.withUnsafeBytes { leaf($0) } }

    /// SHA-256(0x01 || left || right).
    package static func node(_ left: Digest, _ right: Digest) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: 1 + 2 * Digest.count, alignment: 8) { buffer in
            buffer[0] = 1
            buffer.storeBytes(of: left.words, toByteOffset: 1, as: (UInt64, UInt64, UInt64, UInt64).self)
            buffer.storeBytes(of: right.words, toByteOffset: 1 + Digest.count, as: (UInt64, UInt64, UInt64, UInt64).self)
            var hash = SHA256()
            hash.update(bufferPointer: UnsafeRawBufferPointer(buffer))
            return Digest(hash.finalize())
        }
    }
}
