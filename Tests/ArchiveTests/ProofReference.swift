import Crypto
import Foundation

@testable import Archive

/// RFC 6962 written down as the RFC defines it, by recursion over the leaves and on bytes, with nothing of the archive's own
/// code: what the archive computes another way is held against it.
enum RFC6962 {
    static func leafHash(_ data: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: [0] + data)) }

    static func nodeHash(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: [1] + left + right)) }

    /// MTH(D[n]) over leaf hashes.
    static func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        if leaves.isEmpty { return Array(SHA256.hash(data: [UInt8]())) }
        if leaves.count == 1 { return leaves.first! }
        let middle = leaves.startIndex + split(leaves.count)
        return nodeHash(root(leaves[..<middle]), root(leaves[middle...]))
    }

    /// PATH(m, D[n]).
    static func path(_ index: Int, _ leaves: ArraySlice<[UInt8]>) -> [[UInt8]] {
        if leaves.count == 1 { return [] }
        let half = split(leaves.count)
        let middle = leaves.startIndex + half
        if index < half { return path(index, leaves[..<middle]) + [root(leaves[middle...])] }
        return path(index - half, leaves[middle...]) + [root(leaves[..<middle])]
    }

    /// PROOF(m, D[n]).
    static func proof(_ earlier: Int, _ leaves: ArraySlice<[UInt8]>) -> [[UInt8]] { subproof(earlier, leaves, true) }

    private static func subproof(_ earlier: Int, _ leaves: ArraySlice<[UInt8]>, _ isWhole: Bool) -> [[UInt8]] {
        if earlier == leaves.count { return isWhole ? [] : [root(leaves)] }
        let half = split(leaves.count)
        let middle = leaves.startIndex + half
        if earlier <= half { return subproof(earlier, leaves[..<middle], isWhole) + [root(leaves[middle...])] }
        return subproof(earlier - half, leaves[middle...], false) + [root(leaves[..<middle])]
    }

    /// The root that a path leads to, by walking down to the leaf as the tree is split.
    static func root(leaf: [UInt8], index: Int, size: Int, path: ArraySlice<[UInt8]>) -> [UInt8]? {
        guard index < size else { return nil }
        if size == 1 { return path.isEmpty ? leaf : nil }
        guard let sibling = path.last else { return nil }
        let half = split(size)
        if index < half {
            return root(leaf: leaf, index: index, size: half, path: path.dropLast()).map { nodeHash($0, sibling) }
        }
        return root(leaf: leaf, index: index - half, size: size - half, path: path.dropLast()).map { nodeHash(sibling, $0) }
    }

    private static func split(_ count: Int) -> Int {
        var half = 1
        while half * 2 < count { half *= 2 }
        return half
    }
}

func bytes(hex: String) -> [UInt8] {
    stride(from: 0, to: hex.utf8.count, by: 2).map { at in
        UInt8(hex.dropFirst(at).prefix(2), radix: 16)!
    }
}
