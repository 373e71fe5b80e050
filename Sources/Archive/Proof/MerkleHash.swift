// BoringSSL as swift-crypto builds and links it; a module of that package, though no product of it. `SHA256` is a class
// behind its value and cannot begin anew, so each hash allocates, frees and wipes one. That is nothing for a file, and
// half of the price of a node, of which every event makes two or three.
private import CCryptoBoringSSL
import Crypto

/// The hashes of RFC 6962, section 2.1: the first byte tells leaves from nodes, so that neither can pass for the other.
package enum MerkleHash {
    /// Root of a tree without leaves: SHA-256 of nothing.
    package static let empty = Digest(SHA256().finalize())

    /// SHA-256(0x00 || line). `line`: a canonical line without its newline.
    package static func leaf(_ line: UnsafeRawBufferPointer) -> Digest {
        var context = SHA256_CTX()
        var prefix: UInt8 = 0
        CCryptoBoringSSL_SHA256_Init(&context)
        CCryptoBoringSSL_SHA256_Update(&context, &prefix, 1)
        CCryptoBoringSSL_SHA256_Update(&context, line.baseAddress, line.count)
        return Digest { CCryptoBoringSSL_SHA256_Final($0, &context) }
    }

    /// As above, for bytes at hand.
    package static func leaf(_ line: [UInt8]) -> Digest { line.withUnsafeBytes { leaf($0) } }

    /// SHA-256(0x01 || left || right).
    package static func node(_ left: Digest, _ right: Digest) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: 1 + 2 * Digest.count, alignment: 8) { buffer in
            buffer[0] = 1
            buffer.storeBytes(of: left.words, toByteOffset: 1, as: (UInt64, UInt64, UInt64, UInt64).self)
            buffer.storeBytes(of: right.words, toByteOffset: 1 + Digest.count, as: (UInt64, UInt64, UInt64, UInt64).self)
            return Digest { CCryptoBoringSSL_SHA256(buffer.baseAddress, buffer.count, $0) }
        }
    }
}

extension Digest {
    /// `fill` writes all 32 bytes.
    fileprivate init(_ fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { fill($0.baseAddress!.assumingMemoryBound(to: UInt8.self)) }
    }
}
