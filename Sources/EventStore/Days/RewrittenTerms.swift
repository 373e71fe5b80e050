import EventModel
import GRDB

/// Takes the terms of changed blocks out of a day's runs and puts their new ones in. Everything is written as runs that
/// do not count yet (``Run/level`` below 0), some pages a transaction, so that the packer never waits long; they begin to
/// count in the transaction that moves the blocks.
struct RewrittenTerms: ~Copyable {
    private let partition: Partition
    private var collector = TermCollector()
    private var sorter = RadixSorter()
    private var numbers: [UInt32] = []
    private var bytes = 0
    private var changed: Set<UInt32> = []
    /// Runs of the changed blocks' new terms, only needed for making others.
    private var parts: [Run] = []
    /// Complete runs with the level they will have.
    private(set) var made: [(run: Run, instead: Run)] = []

    /// Lines whose terms are collected at once; bounds the memory, as in the packer.
    private static let chunkBytes = 16 << 20
    private static let pagesAtOnce = 1024

    init(_ partition: Partition) throws {
        self.partition = partition
        try Self.discard(partition)
    }

    /// Removes runs that do not count; nobody else may be making some.
    static func discard(_ partition: Partition) throws {
        try partition.writer().write { database in
            for run in try RunTable.all(database) where run.level < 0 { try RunTable.delete(run.number, database) }
        }
    }

    /// `lines`: all of the block, as they are now.
    mutating func add(_ number: UInt32, _ lines: UnsafeRawBufferPointer) throws {
        collector.startBlock(numbers.count, bytes: lines.count)
        numbers.append(number)
        changed.insert(number)
        bytes += lines.count
        var start = 0
        while let end = lineEnd(lines, start) {
            if let head = CanonicalLine(UnsafeRawBufferPointer(rebasing: lines[start..<end])) {
                _ = collector.add(line: start..<end + 1, of: lines, identity: LineIdentity(head.body).identity)
            }
            start = end + 1
        }
        if bytes >= Self.chunkBytes { try flush() }
    }

    /// Makes a new run for each that has changed blocks.
    mutating func finish() throws {
        try flush()
        for run in try partition.read({ try RunTable.runs($0) }) where changed.contains(where: { run.blocks.contains($0) }) {
            made.append((try merged(run), run))
        }
    }

    /// In the transaction that moves the blocks.
    func commit(_ database: Database) throws {
        for (run, instead) in made {
            try RunTable.insert(run, database)
            try RunTable.delete(instead.number, database)
        }
        for run in parts { try RunTable.delete(run.number, database) }
    }

    private mutating func flush() throws {
        if numbers.isEmpty { return }
        collector.sort(&sorter)
        let blocks = numbers.min()!...numbers.max()!
        var writer = TermPageWriter(blocks: blocks, ordinary: collector.ordinary.count, identities: collector.identities.count)
        Self.append(collector.ordinary, numbers, to: &writer)
        let ordinary = writer.termCount
        Self.append(collector.identities, numbers, to: &writer)
        writer.finish()
        let run = try reserve(blocks, ordinary: ordinary, identities: collector.identities.count)
        let pages = writer.takePages()
        try partition.writer().write { try RunTable.insertTermPages(pages, run: run.number, $0) }
        parts.append(run)
        collector.removeAll()
        numbers.removeAll()
        bytes = 0
    }

    private static func append(_ pairs: [UInt64], _ numbers: [UInt32], to writer: inout TermPageWriter) {
        var at = 0
        while at < pairs.count {
            let term = pairs[at] >> TermCollector.blockBits
            var blocks: Set<UInt32> = []
            while at < pairs.count, pairs[at] >> TermCollector.blockBits == term {
                blocks.insert(numbers[Int(pairs[at] & ((1 << TermCollector.blockBits) - 1))])
                at += 1
            }
            // Blocks come tenant by tenant, not in the order of their numbers.
            blocks.sorted().withUnsafeBufferPointer { writer.add(term, $0) }
        }
    }

    private func reserve(_ blocks: ClosedRange<UInt32>, ordinary: Int, identities: Int) throws -> Run {
        try partition.writer().write { database in
            let run = Run(
                number: try RunTable.freeNumber(database), level: -1, blocks: blocks, ordinary: ordinary, identities: identities)
            try RunTable.insert(run, database)
            return run
        }
    }

    private func merged(_ old: Run) throws -> Run {
        var new = try reserve(old.blocks, ordinary: 0, identities: 0)
        var pages = TermPageWriter(blocks: old.blocks, ordinary: old.ordinary, identities: old.identities)
        var streams = ([old] + parts).map { TermStream(run: $0.number, partition: partition) }
        for index in streams.indices { try streams[index].advance() }
        var found: [UInt32] = []
        while true {
            let term = streams.reduce(.max) { min($0, $1.term) }
            if term == .max { break }
            var blocks: [UInt32] = []
            for index in streams.indices where streams[index].term == term {
                found.removeAll(keepingCapacity: true)
                streams[index].readBlocks(into: &found)
                blocks += found.filter { index == 0 ? !changed.contains($0) : old.blocks.contains($0) }
                try streams[index].advance()
            }
            if blocks.isEmpty { continue }
            if blocks.count > 1 { blocks.sort() }
            if term < Term.identities { new.ordinary += 1 } else { new.identities += 1 }
            blocks.withUnsafeBufferPointer { pages.add(term, $0) }
            if pages.pages.count >= Self.pagesAtOnce { try write(pages.takePages(), new) }
        }
        pages.finish()
        try write(pages.takePages(), new)
        try copyRollups(of: old, to: new)
        new.level = old.level
        return new
    }

    private func write(_ pages: [(first: UInt64, body: [UInt8])], _ run: Run) throws {
        try partition.writer().write { try RunTable.insertTermPages(pages, run: run.number, $0) }
    }

    /// No line changes what is counted.
    private func copyRollups(of old: Run, to new: Run) throws {
        let (from, to) = (old.number << RunTable.rollupBits, new.number << RunTable.rollupBits)
        try partition.writer().write { database in
            try database.execute(
                sql: "INSERT INTO rollup_page SELECT id - ? + ?, body FROM rollup_page WHERE id BETWEEN ? AND ?",
                arguments: [from, to, from, from | ((1 << RunTable.rollupBits) - 1)])
        }
    }
}
