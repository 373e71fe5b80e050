/// Holds the lines that were met for one block against those that the manifest signs, line by line: the line checks tell
/// changed lines from good ones, the seqs tell what is missing, and the order what was moved.
struct BlockComparison {
    var changed: [UInt64] = []
    var missing: [UInt64] = []
    var moved: [UInt64] = []
    /// Lines beyond those that belong here: copies, and others with a seq of this block.
    var added: [SeenLine] = []
    /// Lines that say they belong elsewhere, by the seq in whose place they stand.
    var foreign: [(seq: UInt64, line: SeenLine)] = []
    /// Ordinals of lines without a seq of this day that stand in the place of one of this block.
    var replacements: Set<Int> = []

    var isEmpty: Bool { changed.isEmpty && missing.isEmpty && moved.isEmpty && added.isEmpty && foreign.isEmpty }

    /// `lines`: those with a seq of `block`, in the order of the file. `strays`: lines without a seq of this day, by the seq
    /// that the place after the line before would have.
    init(_ block: Int, lines: [SeenLine], expected: ExpectedLines, strays: [UInt64: SeenLine]) {
        var bySeq: [UInt64: [SeenLine]] = [:]
        for line in lines { bySeq[line.seq!, default: []].append(line) }
        var kept: [SeenLine] = []
        for (ordinal, seq) in expected.seqs(block).enumerated() {
            guard let candidates = bySeq[seq] else {
                guard let stray = strays[seq] else {
                    missing.append(seq)
                    continue
                }
                replacements.insert(stray.ordinal)
                if stray.home == nil { changed.append(seq) } else { foreign.append((seq, stray)) }
                continue
            }
            let check = expected.check(block, ordinal)
            let isGood = { (line: SeenLine) in line.home == nil && (check == nil || ExpectedLines.check(line.leaf) == check) }
            let best = candidates.firstIndex(where: isGood) ?? 0
            if isGood(candidates[best]) {
                kept.append(candidates[best])
            } else if candidates[best].home != nil {
                foreign.append((seq, candidates[best]))
            } else {
                changed.append(seq)
            }
            for (index, line) in candidates.enumerated() where index != best { added.append(line) }
        }
        moved = Self.outOfOrder(kept)
    }

    /// Of lines ascending by seq, those to move so that the order of the file is theirs again: both where two changed places,
    /// else the fewest.
    static func outOfOrder(_ lines: [SeenLine]) -> [UInt64] {
        let places = lines.map(\.ordinal).sorted()
        let wrong = lines.indices.filter { lines[$0].ordinal != places[$0] }
        if wrong.count <= 2 { return wrong.map { lines[$0].seq! } }
        // Longest ascending run of ordinals (patience sorting): what is not on it was moved.
        var piles: [Int] = []
        var before = [Int](repeating: -1, count: lines.count)
        for index in lines.indices {
            var low = 0
            var high = piles.count
            while low < high {
                let middle = (low + high) / 2
                if lines[piles[middle]].ordinal < lines[index].ordinal { low = middle + 1 } else { high = middle }
            }
            if low > 0 { before[index] = piles[low - 1] }
            if low == piles.count { piles.append(index) } else { piles[low] = index }
        }
        var inOrder = Set<Int>()
        var index = piles.last ?? -1
        while index >= 0 {
            inOrder.insert(index)
            index = before[index]
        }
        return lines.indices.filter { !inOrder.contains($0) }.map { lines[$0].seq! }
    }
}
