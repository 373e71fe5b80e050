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

    init(before: CompactRange, _ given: [Given]) throws {
        self.before = before
        nodes = CompactRange(begin: before.size)
        self.given = given.sorted { $0.size < $1.size }[...]
        try check()
    }



    @inline(__always)
    mutating func append(_ leaf: Digest) throws {
        nodes.append(leafHash: leaf)
        if let next = given.first, next.size <= nodes.size { try check() }
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
