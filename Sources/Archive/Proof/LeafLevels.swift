/// The tree of some leaves that follow each other, level by level: what a block's own root needs, and mostly what the
/// tenant's tree needs as well. Where the first leaf stands at a multiple of 2^k in that tree, the lowest k levels are the
/// same nodes, so that no hash is computed twice. Of random places that saves a third of one of the two trees.
package struct LeafLevels: Sendable {
    /// Level 0 are the leaves; node i of level k covers leaves `i << k` to `(i + 1) << k`, complete ones alone. Levels
    /// that are not used by these leaves are empty, and keep their memory for the next.
    private var levels: [[Digest]] = [[]]

    package init() {}

    package var leaves: [Digest] { levels[0] }
    var count: Int { levels[0].count }

    package mutating func removeAll() {
        for level in levels.indices { levels[level].removeAll(keepingCapacity: true) }
    }

    /// All leaves come before ``join()``.
    package mutating func append(leafHash: Digest) { levels[0].append(leafHash) }

    /// Computes the levels above the leaves.
    package mutating func join() {
        var level = 0
        while levels[level].count > 1 {
            if levels.count == level + 1 { levels.append([]) }
            for pair in 0..<levels[level].count / 2 {
                levels[level + 1].append(MerkleHash.node(levels[level][2 * pair], levels[level][2 * pair + 1]))
            }
            level += 1
        }
    }

    /// Root of the tree of these leaves alone; there is at least one.
    package var root: Digest {
        var nodes = CompactRange()
        nodes.append(self)
        return nodes.root
    }

    /// The complete subtrees of no more than 2^level leaves, from left to right: as many of that size as there are, then one
    /// of each smaller size that is left over.
    func forEachNode(upTo level: Int, _ body: (_ level: Int, _ node: Digest) -> Void) {
        let top = min(level, Int.bitWidth - 1 - count.leadingZeroBitCount)
        guard top >= 0 else { return }
        for node in levels[top] { body(top, node) }
        for lower in (0..<top).reversed() where count >> lower & 1 == 1 { body(lower, levels[lower][count >> lower - 1]) }
    }
}

extension CompactRange {
    /// Appends leaves of which ``LeafLevels/join()`` was called.
    package mutating func append(_ leaves: LeafLevels) {
        leaves.forEachNode(upTo: end == 0 ? .max : end.trailingZeroBitCount) { level, node in append(node, level: level) }
    }
}
