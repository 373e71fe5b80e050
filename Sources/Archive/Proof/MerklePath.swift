/// Which hashes a proof consists of, as ranges of leaves, in the order in which RFC 6962 lists them.
package enum MerklePath {
    /// PATH(m, D[n]) of RFC 6962, section 2.1.1: the siblings from the leaf's up to the root's child. `index < size`.
    package static func inclusion(index: UInt64, size: UInt64) -> [Range<UInt64>] {
        precondition(index < size)
        var siblings: [Range<UInt64>] = []
        var tree = 0..<size
        while tree.count > 1 {
            let middle = split(tree)
            if index < middle {
                siblings.append(middle..<tree.upperBound)
                tree = tree.lowerBound..<middle
            } else {
                siblings.append(tree.lowerBound..<middle)
                tree = middle..<tree.upperBound
            }
        }
        return siblings.reversed()
    }

    /// PROOF(m, D[n]) of RFC 6962, section 2.1.2: what shows that the tree of `size` leaves begins with that of
    /// `earlier`. Empty when the sizes are equal or `earlier` is 0, where nothing needs to be shown.
    package static func consistency(earlier: UInt64, size: UInt64) -> [Range<UInt64>] {
        precondition(earlier <= size)
        guard earlier > 0, earlier < size else { return [] }
        var path: [Range<UInt64>] = []
        var tree = 0..<size
        // Whether the subtree that is left is the earlier tree itself, whose root the verifier knows (SUBPROOF's b).
        var known = true
        while tree.upperBound != earlier {
            let middle = split(tree)
            if earlier <= middle {
                path.append(middle..<tree.upperBound)
                tree = tree.lowerBound..<middle
            } else {
                path.append(tree.lowerBound..<middle)
                tree = middle..<tree.upperBound
                known = false
            }
        }
        if !known { path.append(tree) }
        return path.reversed()
    }

    /// The largest power of two below the number of leaves, from the beginning of `tree`.
    private static func split(_ tree: Range<UInt64>) -> UInt64 {
        let count = tree.upperBound - tree.lowerBound
        return tree.lowerBound + 1 << UInt64(63 - (count - 1).leadingZeroBitCount)
    }
}

/// Collects the hashes of proofs while leaves pass by in order: memory for the proofs alone, however many leaves there are.
package struct MerklePathCollector: Sendable {
    private var wanted: Set<MerkleNode>
    private var found: [MerkleNode: Digest] = [:]

    /// `paths`: from ``MerklePath``.
    package init(_ paths: [[Range<UInt64>]]) {
        wanted = Set(paths.joined().flatMap { MerkleNode.covering($0) })
    }

    /// Takes what is known already: the tree to which the leaves will be appended. It has to be the tree from leaf 0, since a
    /// subtree may begin in it and end in what is appended.
    package mutating func offer(_ range: CompactRange) {
        for (node, hash) in zip(MerkleNode.covering(range.begin..<range.end), range.hashes) { offer(node, hash) }
    }

    /// Takes from nodes that are at hand.
    package mutating func offer(_ nodes: [MerkleNode: Digest]) {
        for node in wanted { if let hash = nodes[node] { found[node] = hash } }
    }

    @inline(__always)
    package mutating func offer(_ node: MerkleNode, _ hash: Digest) {
        if wanted.contains(node) { found[node] = hash }
    }

    /// The proof along one of the paths; `nil` when a hash of it never came by.
    package func hashes(_ path: [Range<UInt64>]) -> [Digest]? {
        var hashes: [Digest] = []
        for range in path {
            var peaks: [Digest] = []
            for node in MerkleNode.covering(range) {
                guard let hash = found[node] else { return nil }
                peaks.append(hash)
            }
            guard let hash = CompactRange.joined(peaks) else { return nil }
            hashes.append(hash)
        }
        return hashes
    }
}
