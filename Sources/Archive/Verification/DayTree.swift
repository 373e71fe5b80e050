import EventModel

/// The tenant's tree as far as proofs of one day need it, without its lowest levels: those of the few leaves around an event
/// are hashed again for each proof. So a day is read once, and proofs of it cost their own blocks from then on.
///
/// It keeps at most some 130,000 nodes, about 10 MB, whatever the day holds: the more events, the higher the lowest level.
/// Grows in steps, so that whoever waits behind a large day gets a turn.
struct DayTree: Sendable {
    /// Complete subtrees of 2^level leaves and up, and what the tree ends in.
    private(set) var nodes: [MerkleNode: Digest] = [:]
    let level: Int
    private let manifest: Manifest
    private let erasures: LineErasures
    /// The block that comes next.
    private var next = 0
    /// Up to it; begins anew behind what cannot be read.
    private var run: CompactRange
    /// Whether every block so far could be read.
    private(set) var isWhole = true
    private var isDone = false

    init(_ manifest: Manifest, _ erasures: LineErasures, level: Int? = nil) {
        self.manifest = manifest
        self.erasures = erasures
        self.level = level ?? Self.level(events: manifest.contents?.events ?? 0)
        run = manifest.tree.before
    }

    static func level(events: Int) -> Int { max(6, Int.bitWidth - (events >> 16).leadingZeroBitCount) }

    /// Reads about so many bytes of lines. Returns whether there is more to read. Throws ``ProvingError`` in the end when
    /// every line could be read and they are not those that `root` signs.
    mutating func grow(by bytes: Int, _ blocks: DayBlocks, root: Digest) throws -> Bool {
        if next < blocks.blocks.count { try read(bytes, blocks) }
        if next < blocks.blocks.count { return true }
        if !isDone { try finish(root) }
        return false
    }

    private mutating func read(_ bytes: Int, _ blocks: DayBlocks) throws {
        var left = bytes
        var run = run
        // Taken out, or adding to it would copy it.
        var nodes: [MerkleNode: Digest] = [:]
        swap(&nodes, &self.nodes)
        defer {
            self.run = run
            self.nodes = nodes
        }
        while next < blocks.blocks.count, left > 0 {
            if let lines = try blocks.lines(next) {
                left -= lines.count
                DayBlocks.forEachLine(lines) { line in
                    run.append(leafHash: leaf(line)) { node, hash in
                        if node.level >= level { nodes[node] = hash }
                    }
                }
            } else {
                isWhole = false
                run = CompactRange(begin: blocks.blocks[next].leaves.upperBound)
            }
            next += 1
        }
    }

    private mutating func finish(_ root: Digest) throws {
        guard isWhole ? run.root == root : manifest.tree.root == root else { throw ProvingError(Self.mismatch, isDamage: true) }
        keep(run)
        keep(manifest.tree.before)
        if !isWhole { keepManifestNodes() }
        isDone = true
    }

    static let mismatch = "The lines of the day are not those that its checkpoint signs"

    /// Above what cannot be read only the manifest knows the hashes: of the day's largest subtrees, from which follow those
    /// that begin in the days before.
    private mutating func keepManifestNodes() {
        keep(manifest.tree.nodes)
        var tree = manifest.tree.before
        var joined: [(MerkleNode, Digest)] = []
        tree.append(manifest.tree.nodes) { joined.append(($0, $1)) }
        for (node, hash) in joined { nodes[node] = hash }
    }

    private mutating func keep(_ range: CompactRange) {
        for (node, hash) in zip(MerkleNode.covering(range.begin..<range.end), range.hashes) { nodes[node] = hash }
    }

    /// The hash that is in the signed tree.
    private func leaf(_ line: UnsafeRawBufferPointer) -> Digest {
        let hash = MerkleHash.leaf(line)
        if erasures.isEmpty { return hash }
        return CanonicalLine(line).map { erasures.signed(hash, seq: $0.seq) } ?? hash
    }

    /// Hands the collector what is known of the paths to these leaves, ascending. Throws where the source cannot be reached.
    func offer(_ leaves: [UInt64], _ blocks: DayBlocks, to collector: inout MerklePathCollector) throws {
        collector.offer(nodes)
        var held: (index: Int, lines: [UInt8]?) = (-1, nil)
        var done: UInt64?
        for leaf in leaves where leaf >> UInt64(level) != done {
            let chunk = leaf >> UInt64(level)
            done = chunk
            let first = max(chunk << UInt64(level), manifest.tree.firstLeaf)
            let end = min((chunk + 1) << UInt64(level), manifest.tree.size)
            // A subtree may begin in the days before.
            var run = first == manifest.tree.firstLeaf ? manifest.tree.before : CompactRange(begin: first)
            var index = blocks.index(of: first)
            while index < blocks.blocks.count, blocks.blocks[index].firstLeaf < end {
                if held.index != index { held = (index, try blocks.lines(index)) }
                let block = blocks.blocks[index]
                if let lines = held.lines {
                    var ordinal = block.firstLeaf
                    DayBlocks.forEachLine(lines) { line in
                        if ordinal >= first, ordinal < end { run.append(leafHash: self.leaf(line)) { collector.offer($0, $1) } }
                        ordinal += 1
                    }
                } else {
                    run = CompactRange(begin: block.leaves.upperBound)
                }
                index += 1
            }
        }
    }
}
