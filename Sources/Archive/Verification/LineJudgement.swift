import EventModel

/// Turns what was met in a day's file into findings.
struct LineJudgement {
    private(set) var findings: [Finding] = []
    /// Lines that say they belong to another day or tenant.
    private(set) var strays: [SeenLine] = []
    private let path: String
    private let expected: ExpectedLines
    private let evidence: LineEvidence
    /// By the seq that the line in their place would have.
    private let straysByPlace: [UInt64: SeenLine]
    private var straysUsed: Set<Int> = []
    private var damagesUsed: Set<Int> = []

    init(_ evidence: LineEvidence, expected: ExpectedLines, path: String) {
        self.evidence = evidence
        self.expected = expected
        self.path = path
        straysByPlace = Dictionary(evidence.strays.map { ($0.previousSeq + 1, $0) }) { first, _ in first }
        for block in expected.blocks.indices where !evidence.isVerified[block] { judge(block) }
        for block in evidence.blocksMetAgain { judgeAgain(block) }
        for block in evidence.blocksMoved {
            let seqs = expected.seqs(block)
            let range = [seqs[0]...seqs[seqs.count - 1]]
            add(
                .linesMoved, block, range,
                "The whole block (\(Finding.text(range))) stands at another place of the file than when it was sealed.")
        }
        judgeDamages()
        judgeStrays()
    }

    private mutating func judge(_ block: Int) {
        let seqs = expected.seqs(block)
        let whole = [seqs[0]...seqs[seqs.count - 1]]
        guard !evidence.uncounted.contains(block) else {
            add(
                .blockChanged, block, whole,
                "Lines of \(Finding.text(whole)) are not as they were sealed; so many are not that they are not told one by one.")
            return
        }
        let lines = evidence.doubtful[block] ?? []
        let comparison = BlockComparison(block, lines: lines, expected: expected, strays: straysByPlace)
        if comparison.isEmpty {
            // Cut up by lines that do not belong there, but whole.
            if root(of: lines) == expected.blocks[block].root { return }
            let reason =
                expected.hasChecks
                ? "the line checks do not tell which" : "which cannot be told, because the index that holds the line checks is damaged"
            add(.blockChanged, block, whole, "At least one line of \(Finding.text(whole)) is not as it was sealed; \(reason).")
            return
        }
        straysUsed.formUnion(comparison.replacements)
        tell(comparison, block)
    }

    /// Lines with seqs of a block that is here whole: copies, or others that claim its seqs.
    private mutating func judgeAgain(_ block: Int) {
        if evidence.uncounted.contains(block) {
            let seqs = expected.seqs(block)
            let whole = [seqs[0]...seqs[seqs.count - 1]]
            add(
                .lineAdded, block, whole,
                "More lines claim \(Finding.text(whole)), which is there already; so many that they are not told one by one.")
        }
        let lines = evidence.doubtful[block] ?? []
        for line in lines where line.home != nil { tell(added: line, block) }
        var run: [SeenLine] = []
        for line in lines where line.home == nil {
            if let last = run.last, last.ordinal + 1 != line.ordinal {
                tell(added: run, block)
                run = []
            }
            run.append(line)
        }
        tell(added: run, block)
    }

    /// Lines that stand one after another in the file.
    private mutating func tell(added run: [SeenLine], _ block: Int) {
        guard run.count > 1 else { return run.forEach { tell(added: $0, block) } }
        let seqs = Finding.ranges(Set(run.map { $0.seq! }).sorted())
        add(
            .lineAdded, block, seqs,
            "Lines \(run[0].ordinal + 1) to \(run[run.count - 1].ordinal + 1) of the file were not sealed in it: events that say they are "
                + "\(Finding.text(seqs)), which is there already.")
    }

    private mutating func tell(added line: SeenLine, _ block: Int) {
        if line.home != nil { strays.append(line) }
        add(
            line.home == nil ? .lineAdded : .linesMoved, block, [line.seq!...line.seq!],
            "Line \(line.ordinal + 1) of the file was not sealed in it: \(Self.text(line)). Seq \(line.seq!) is there already.")
    }

    private mutating func tell(_ comparison: BlockComparison, _ block: Int) {
        if !comparison.changed.isEmpty {
            let ranges = Finding.ranges(comparison.changed)
            add(.lineChanged, block, ranges, "The text of \(Finding.text(ranges)) is not what was sealed.")
        }
        var damaged: [UInt64] = []
        var dropped: [UInt64] = []
        var around: Set<Int> = []
        for seq in comparison.missing {
            let damages = damages(around: seq)
            around.formUnion(damages)
            if damages.isEmpty { dropped.append(seq) } else { damaged.append(seq) }
        }
        damagesUsed.formUnion(around)
        if !damaged.isEmpty {
            let ranges = Finding.ranges(damaged)
            let places = around.sorted().map { evidence.damages[$0] }.map { "bytes \($0.offset) to \($0.offset + $0.length): \($0.reason)" }
            add(
                .blockDamaged, block, ranges,
                "\(Finding.text(ranges)) cannot be read, the file is damaged there (\(places.joined(separator: "; "))).")
        }
        if !dropped.isEmpty {
            let ranges = Finding.ranges(dropped)
            add(.linesDropped, block, ranges, "\(Finding.text(ranges)) was sealed in this file and is not in it.")
        }
        if !comparison.moved.isEmpty {
            let ranges = Finding.ranges(comparison.moved)
            add(.linesMoved, block, ranges, "\(Finding.text(ranges)) stands at another place than when it was sealed.")
        }
        for line in comparison.added { tell(added: line, block) }
        for (seq, line) in comparison.foreign {
            strays.append(line)
            add(.linesMoved, block, [seq...seq], "In place of seq \(seq), line \(line.ordinal + 1) of the file holds \(Self.text(line)).")
        }
    }

    private mutating func judgeDamages() {
        for (index, damage) in evidence.damages.enumerated() where !damagesUsed.contains(index) {
            let place = "Bytes \(damage.offset) to \(damage.offset + damage.length)"
            if damage.before != nil || damage.after < expected.lastSeq {
                add(.bytesAdded, nil, [], "\(place) are no member (\(damage.reason)); no line is missing at that place.")
            } else if damage.offset >= expected.fileBytes {
                add(.bytesAdded, .warning, nil, [], "\(place) were appended to the file; all its lines are before them.")
            } else if !findings.contains(where: { $0.kind == .indexDamaged }) {
                add(.indexDamaged, .warning, nil, [], "\(place), behind the last line, are damaged: \(damage.reason).")
            }
        }
    }

    private mutating func judgeStrays() {
        for line in evidence.strays where !straysUsed.contains(line.ordinal) {
            if line.home != nil { strays.append(line) }
            add(
                line.home == nil ? .lineAdded : .linesMoved, nil, line.seq.map { [$0...$0] } ?? [],
                "Line \(line.ordinal + 1) of the file, behind seq \(line.previousSeq), was not sealed in it: \(Self.text(line)).")
        }
        if evidence.straysBeyond > 0 {
            add(.lineAdded, nil, [], "\(evidence.straysBeyond) more lines were not sealed in it.")
        }
    }

    private static func text(_ line: SeenLine) -> String {
        guard let seq = line.seq else { return "it is no event" }
        guard let home = line.home else { return "an event that says it is seq \(seq)" }
        return "seq \(seq) of tenant \(home.tenant), received on \(Timestamp(milliseconds: home.day * 86_400_000).day)"
    }

    /// The damages in whose place `seq` would stand. Damages are in the order of the file, hence mostly of seq: only the last
    /// ones before the seq are looked at, so that a file with damage everywhere does not cost its square.
    private func damages(around seq: UInt64) -> [Int] {
        let damages = evidence.damages
        var low = 0
        var high = damages.count
        while low < high {
            let middle = (low + high) / 2
            if damages[middle].after < seq { low = middle + 1 } else { high = middle }
        }
        return (max(0, low - 8)..<low).filter { seq < damages[$0].before ?? .max }
    }

    private func root(of lines: [SeenLine]) -> Digest {
        var range = CompactRange()
        for line in lines { range.append(leafHash: line.leaf) }
        return range.root
    }

    private mutating func add(_ kind: Finding.Kind, _ block: Int?, _ seqs: [ClosedRange<UInt64>], _ text: String) {
        add(kind, .critical, block, seqs, text)
    }

    private mutating func add(
        _ kind: Finding.Kind, _ severity: Finding.Severity, _ block: Int?, _ seqs: [ClosedRange<UInt64>], _ text: String
    ) {
        findings.append(
            Finding(kind, severity, tenant: expected.tenant, day: expected.day, path: path, seqs: seqs, block: block.map { $0 + 1 }, text))
    }
}
