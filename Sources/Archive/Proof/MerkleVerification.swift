/// Checks of proofs; the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2, which tell exactly how many hashes a
/// proof must have.
extension MerklePath {
    /// Root of the tree of `size` leaves in which `leafHash` is leaf `index`, if `proof` is right; `nil` when it has too many
    /// or too few hashes.
    package static func root(leafHash: Digest, index: UInt64, size: UInt64, proof: [Digest]) -> Digest? {
        guard index < size else { return nil }
        var node = index
        var last = size - 1
        var root = leafHash
        for sibling in proof {
            guard last > 0 else { return nil }
            if node & 1 == 1 || node == last {
                root = MerkleHash.node(sibling, root)
                while node & 1 == 0, node > 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                root = MerkleHash.node(root, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 ? root : nil
    }

    /// Whether `proof` shows that the tree of `size` leaves with `root` begins with the tree of `earlier` leaves with
    /// `earlierRoot`.
    package static func isConsistent(
        earlier: UInt64, earlierRoot: Digest, size: UInt64, root: Digest, proof: [Digest]
    ) -> Bool {
        guard earlier <= size else { return false }
        if earlier == size { return proof.isEmpty && earlierRoot == root }
        if earlier == 0 { return proof.isEmpty && earlierRoot == MerkleHash.empty }
        var path = proof[...]
        var node = earlier - 1
        var last = size - 1
        while node & 1 == 1 {
            node >>= 1
            last >>= 1
        }
        // A complete earlier tree is a node of the later one, so its root is not part of the proof.
        guard let start = node == 0 ? earlierRoot : path.popFirst() else { return false }
        var first = start
        var second = start
        for sibling in path {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                first = MerkleHash.node(sibling, first)
                second = MerkleHash.node(sibling, second)
                while node & 1 == 0, node > 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                second = MerkleHash.node(second, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && first == earlierRoot && second == root
    }
}
