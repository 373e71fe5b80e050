/// Hashes of the fewest complete subtrees that cover leaves `begin..<end` of a tree: all that is needed to go on
/// appending, to join with the range that follows, and to tell the root. A few hundred bytes for any number of leaves
/// (transparency-dev/merkle, "Compact ranges").
///
/// A tree is the range from 0; what a day adds to it is the range that starts at the day's first leaf.
package struct CompactRange: Sendable, Hashable {
    package let begin: UInt64
    package private(set) var end: UInt64
    /// One hash a node of `MerkleNode.covering(begin..<end)`, from left to right.
    package private(set) var hashes: [Digest]

    /// Without leaves; `begin`: index of the leaf that comes first.
    package init(begin: UInt64 = 0) {
        self.begin = begin
        end = begin
        hashes = []
    }

    /// `nil` when the number of hashes is not that of such a range.
    package init?(begin: UInt64, end: UInt64, hashes: [Digest]) {
        guard begin <= end, end < 1 << 63, MerkleNode.covering(begin..<end).count == hashes.count else { return nil }
        self.begin = begin
        self.end = end
        self.hashes = hashes
    }

    /// A whole tree from its size and peaks; `nil` when the number of peaks is not that of the size.
    package init?(size: UInt64, peaks: [Digest]) { self.init(begin: 0, end: size, hashes: peaks) }

    /// Number of leaves of the tree up to here, counted from leaf 0.
    package var size: UInt64 { end }

    /// Hashes of the complete subtrees, largest first where the range begins at 0.
    package var peaks: [Digest] { hashes }

    package mutating func append(leafHash: Digest) { append(leafHash: leafHash) { _, _ in } }

    /// Appends a leaf and calls `completed` for each subtree it completes, the leaf itself first.
    @inline(__always)
    package mutating func append(leafHash: Digest, completed: (MerkleNode, Digest) -> Void) {
        let first = end
        end += 1
        completed(MerkleNode(level: 0, index: first), leafHash)
        hashes.append(leafHash)
        join(level: 0, index: first, completed: completed)
    }

    /// Appends the leaves of `range`, which must begin where this one ends. Calls `completed` for each subtree that comes of
    /// joining the two.
    package mutating func append(_ range: CompactRange, completed: (MerkleNode, Digest) -> Void = { _, _ in }) {
        precondition(range.begin == end, "a range joins only where the other one ends")
        for (node, hash) in zip(MerkleNode.covering(range.begin..<range.end), range.hashes) {
            append(hash, level: node.level, completed: completed)
        }
    }

    /// Appends a complete subtree of 2^level leaves; the end of the range must be a multiple of that.
    mutating func append(_ hash: Digest, level: Int, completed: (MerkleNode, Digest) -> Void = { _, _ in }) {
        let index = end >> UInt64(level)
        precondition(index << UInt64(level) == end, "a subtree stands at a multiple of its size")
        end += 1 << UInt64(level)
        hashes.append(hash)
        join(level: level, index: index, completed: completed)
    }

    /// Root of the tree of leaves `0..<end`; the range must begin at 0. RFC 6962 section 2.1: the right, smaller peaks are
    /// joined first.
    package var root: Digest {
        precondition(begin == 0, "only a range from leaf 0 has a root")
        return Self.joined(hashes) ?? MerkleHash.empty
    }

    static func joined(_ peaks: [Digest]) -> Digest? {
        guard var root = peaks.last else { return nil }
        for peak in peaks.dropLast().reversed() { root = MerkleHash.node(peak, root) }
        return root
    }

    /// The last node of the range is (level, index); as long as it is a right child and its left sibling is in the range,
    /// both become their parent.
    @inline(__always)
    private mutating func join(level: Int, index: UInt64, completed: (MerkleNode, Digest) -> Void) {
        var node = MerkleNode(level: level, index: index)
        while node.index & 1 == 1, (node.index - 1) << UInt64(node.level) >= begin {
            let right = hashes.removeLast()
            let parent = MerkleHash.node(hashes.removeLast(), right)
            node = MerkleNode(level: node.level + 1, index: node.index >> 1)
            completed(node, parent)
            hashes.append(parent)
        }
    }
}
