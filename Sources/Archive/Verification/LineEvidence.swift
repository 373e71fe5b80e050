/// What was met in a file that is not as its manifest has it, gathered while the file is read; judged when its end is known.
struct LineEvidence {
    struct Damage {
        var offset: Int
        var length: Int
        var reason: String
        /// Seq of the lines around it; `nil` at the end of the file.
        var after: UInt64
        var before: UInt64?
    }

    /// By block.
    var isVerified: [Bool] = []
    /// Blocks that are whole, but behind one that they should stand before.
    var blocksMoved: [Int] = []
    /// Lines that do not make up their block; where the block was verified all the same, lines beyond it.
    private(set) var doubtful: [Int: [SeenLine]] = [:]
    /// Blocks whose lines were too many to keep.
    private(set) var uncounted: Set<Int> = []
    /// Lines without a seq of this day.
    private(set) var strays: [SeenLine] = []
    private(set) var straysBeyond = 0
    var damages: [Damage] = [] { didSet { hasOpenDamage = true } }
    private(set) var hasOpenDamage = false
    private var kept = 0

    /// Beyond this, lines are no longer told one by one: 100,000 bad lines say enough, and keeping them costs ten megabytes.
    private static let linesMax = 100_000

    /// Whole blocks of which lines were met once more, ascending.
    var blocksMetAgain: [Int] { Set(doubtful.keys).union(uncounted).filter { isVerified[$0] }.sorted() }

    mutating func add(_ lines: [SeenLine], doubtful block: Int) {
        guard kept + lines.count <= Self.linesMax else {
            uncounted.insert(block)
            return
        }
        kept += lines.count
        doubtful[block, default: []].append(contentsOf: lines)
    }

    mutating func add(stray line: SeenLine) {
        if strays.count < Self.linesMax { strays.append(line) } else { straysBeyond += 1 }
    }

    mutating func closeDamages(before seq: UInt64) {
        for index in damages.indices where damages[index].before == nil { damages[index].before = seq }
        hasOpenDamage = false
    }
}
