/// What a manifest says of the lines of a day's file, as far as it can be believed: blocks, seqs, line checks.
struct ExpectedLines {
    let tenant: String
    let day: Int64
    let blocks: [Manifest.Block]
    let lastSeq: UInt64
    /// Of the whole file.
    let fileBytes: Int
    private let gaps: [ClosedRange<UInt64>]
    /// First two bytes of each line's leaf hash; `nil` when they cannot be trusted.
    private let checks: [UInt16]?
    /// Number of lines before each block.
    private let linesBefore: [Int]

    /// `nil` when the blocks of the manifest have not as many seqs as lines.
    init?(_ manifest: Manifest, _ contents: Manifest.Contents, checks: [UInt16]?) {
        tenant = manifest.tenant
        day = manifest.day
        blocks = contents.blocks
        lastSeq = contents.lastSeq
        fileBytes = contents.file.bytes
        gaps = manifest.gaps
        self.checks = checks?.count == contents.events ? checks : nil
        var total = 0
        linesBefore = contents.blocks.map { block in
            defer { total += block.events }
            return total
        }
        for block in blocks.indices where seqCount(block) != blocks[block].events { return nil }
    }

    var hasChecks: Bool { checks != nil }

    /// The block that holds `seq`, looked for at `hint` first; `nil` when none does.
    @inline(__always)
    func block(of seq: UInt64, hint: Int) -> Int? {
        if hint >= 0, seq >= blocks[hint].firstSeq, seq < end(of: hint) { return hint }
        return search(seq)
    }

    private func search(_ seq: UInt64) -> Int? {
        guard let first = blocks.first?.firstSeq, seq >= first, seq <= lastSeq, !gaps.contains(where: { $0.contains(seq) }) else {
            return nil
        }
        var low = 0
        var high = blocks.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if blocks[middle].firstSeq <= seq { low = middle } else { high = middle }
        }
        return low
    }

    /// Seq behind the last that block may hold.
    private func end(of block: Int) -> UInt64 { block + 1 < blocks.count ? blocks[block + 1].firstSeq : lastSeq + 1 }

    private func seqCount(_ block: Int) -> Int {
        let range = blocks[block].firstSeq..<end(of: block)
        guard blocks[block].events > 0, !range.isEmpty, range.count < 1 << 40 else { return -1 }
        return gaps.reduce(range.count) { count, gap in
            let low = max(gap.lowerBound, range.lowerBound)
            let high = min(gap.upperBound, range.upperBound - 1)
            return low <= high ? count - Int(high - low + 1) : count
        }
    }

    /// The seqs of a block's lines, ascending.
    func seqs(_ block: Int) -> [UInt64] {
        let range = blocks[block].firstSeq..<end(of: block)
        let inside = gaps.filter { $0.overlaps(range.lowerBound...range.upperBound - 1) }
        guard inside.isEmpty else { return range.filter { seq in !inside.contains { $0.contains(seq) } } }
        return Array(range)
    }

    /// The check of a block's line by its ordinal in the block; `nil` where none can be trusted.
    func check(_ block: Int, _ ordinal: Int) -> UInt16? { checks.map { $0[linesBefore[block] + ordinal] } }

    static func check(_ leaf: Digest) -> UInt16 { UInt16(truncatingIfNeeded: UInt64(bigEndian: leaf.words.0) >> 48) }
}
