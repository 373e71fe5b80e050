/// A complete subtree of 2^level leaves, aligned to its own size: leaves `index << level` to `(index + 1) << level`.
package struct MerkleNode: Sendable, Hashable {
    package var level: Int
    package var index: UInt64

    package var leaves: Range<UInt64> { index << UInt64(level)..<(index + 1) << UInt64(level) }

    /// The fewest complete subtrees that cover `leaves`, from left to right: at most twice as many as the range's
    /// length has bits.
    package static func covering(_ leaves: Range<UInt64>) -> [MerkleNode] {
        var nodes: [MerkleNode] = []
        var begin = leaves.lowerBound
        while begin < leaves.upperBound {
            let fits = 63 - (leaves.upperBound - begin).leadingZeroBitCount
            let level = begin == 0 ? fits : min(fits, begin.trailingZeroBitCount)
            nodes.append(MerkleNode(level: level, index: begin >> UInt64(level)))
            begin += 1 << UInt64(level)
        }
        return nodes
    }
}
