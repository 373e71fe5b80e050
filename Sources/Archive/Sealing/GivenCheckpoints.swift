import EventModel

/// The tree of a day while it grows, held against the checkpoints that were given out while the day was open.
struct GivenCheckpoints {
    struct Given: Sendable, Equatable {
        /// Its file's name, for messages.
        var name: String
        var size: UInt64
        var root: Digest
    }

    private let before: CompactRange
    private(set) var nodes: CompactRange
    /// Ascending by size.
    private var given: ArraySlice<Given>

    /// Leaf hashes that the tree keeps for lines that were erased in the open day, by seq.
    private let erased: [UInt64: Digest]
    /// Of the lines as they are now; only where some were erased.
    private var current: CompactRange

    init(before: CompactRange, _ given: [Given], erased: [UInt64: Digest] = [:]) throws {
        self.before = before
        self.erased = erased
        current = before
        nodes = CompactRange(begin: before.size)
        self.given = given.sorted { $0.size < $1.size }[...]
        try check()
    }

    @inline(__always)
    mutating func append(_ leaf: Digest) throws {
        nodes.append(leafHash: leaf)
        if let next = given.first, next.size <= nodes.size { try check() }
    }

    /// Root of the tree with the lines as they are now.
    var rootOfLines: Digest { current.root }

    /// `leaves`: one a line.
    mutating func append(_ leaves: LeafLevels, of lines: UnsafeRawBufferPointer) throws {
        if erased.isEmpty {
            if let next = given.first, next.size <= nodes.size + UInt64(leaves.count) {
                for leaf in leaves.leaves { try append(leaf) }
            } else {
                nodes.append(leaves)
            }
            return
        }
        var index = 0
        _ = try DayErasure.forEachLine(lines) { line in
            let leaf = leaves.leaves[index]
            current.append(leafHash: leaf)
            try append(CanonicalLine(line).flatMap { erased[$0.seq] } ?? leaf)
            index += 1
            return true
        }
    }

    /// All that were given out must lie within the day.
    func finish() throws {
        guard let next = given.first else { return }
        throw SealError.inconsistent(checkpoint: next.name, reason: "it counts \(next.size) events, the store \(nodes.size)")
    }

    private mutating func check() throws {
        while let next = given.first, next.size <= nodes.size {
            guard next.size == nodes.size else {
                throw SealError.inconsistent(checkpoint: next.name, reason: "it counts \(next.size) events, fewer than the days before")
            }
            var tree = before
            tree.append(nodes)
            guard tree.root == next.root else {
                throw SealError.inconsistent(checkpoint: next.name, reason: "the first \(next.size) events have another root")
            }
            given.removeFirst()
        }
    }
}
