import CLinux
import Foundation
import GRDB
import Logging
import Synchronization

/// Merges runs on a thread of low priority: `fanIn` neighbouring runs of one level become one of the next, so that a
/// lookup seeks in a number of runs that grows with the logarithm of the day, and each pair is written as often. While
/// nothing else is to do, small runs are merged with the next older ones as long as that pays. When a day is over all
/// its runs become one.
final class Merger: Sendable {
    private enum Depth: Int, Comparable {
        /// What lookups need: full rows of the tiers.
        case tiers
        /// What is worth doing while nothing else is to do, and giving space back.
        case settles
        /// Everything.
        case closes

        static func < (left: Depth, right: Depth) -> Bool { left.rawValue < right.rawValue }
    }

    private struct State {
        var waiting: [Int64: (partition: Partition, depth: Depth)] = [:]
        /// Runs that `settles` would merge now.
        var unmerged: [Int64: Int] = [:]
        /// Days written to since space was given back.
        var untidy: Set<Int64> = []
        var retries = Retries()
        /// Of the last failure; `nil` since a merge went well.
        var lastError: String?
        var isBusy = false
        var stops = false
        var hasStopped = false
        var merges = 0
    }

    private let state = Mutex(State())
    private let damaged = Mutex<(@Sendable (Partition, any Error) -> Void)?>(nil)
    private let wake = Wake()
    private let finished = Wake()
    private let fanIn: Int
    /// An older run is merged once all younger ones together have this part of its terms: so it is rewritten once for
    /// every quarter it grows by.
    private static let fairShare = 4
    private let logger: Logger

    /// Pages that go into one transaction while a large run is written: 4 MiB, so that the packer never waits long.
    private static let chunkPages = 1024

    init(fanIn: Int, logger: Logger) {
        self.fanIn = fanIn
        self.logger = logger
    }

    /// Why merging last failed.
    var lastError: String? { state.withLock { $0.lastError } }

    var merges: Int { state.withLock { $0.merges } }

    /// `note` is told what is thrown while a partition is merged.
    func onFailure(_ note: @escaping @Sendable (Partition, any Error) -> Void) { damaged.withLock { $0 = note } }

    func start() {
        let thread = Thread { self.run() }
        thread.name = "merger"
        thread.qualityOfService = .utility
        thread.start()
    }

    /// Runs that merging will still join; at least 1 for each day that has space to give back.
    var unmergedRuns: Int {
        state.withLock { state in
            Set(state.unmerged.keys).union(state.untidy).union(state.waiting.keys).reduce(0) { sum, day in
                sum + max(state.unmerged[day] ?? 0, state.untidy.contains(day) || state.waiting[day] != nil ? 1 : 0)
            } + (state.isBusy ? 1 : 0)
        }
    }

    func packed(_ partition: Partition) { enqueue(partition, .tiers) }

    /// There is time for merging what the tiers leave.
    func settle(_ partition: Partition) { enqueue(partition, .settles) }

    /// The day will get no more events as far as anybody knows.
    func close(_ partition: Partition) { enqueue(partition, .closes) }

    /// Whether ``settle(_:)`` has something to do.
    func needsSettling(_ day: Int64) -> Bool {
        state.withLock { state in
            !state.retries.mustWait(day) && (state.untidy.contains(day) || state.unmerged[day] ?? 0 > 0)
        }
    }

    private func enqueue(_ partition: Partition, _ depth: Depth) {
        state.withLock { state in
            if depth == .tiers { state.untidy.insert(partition.day) }
            state.waiting[partition.day] = (partition, max(depth, state.waiting[partition.day]?.depth ?? .tiers))
        }
        wake.signal()
    }

    func stop() {
        state.withLock { $0.stops = true }
        wake.signal()
        while !state.withLock({ $0.hasStopped }) { finished.wait(milliseconds: 50) }
    }

    /// Returns when nothing waits to be merged.
    func drain() {
        while state.withLock({ ($0.isBusy || !$0.waiting.isEmpty) && !$0.hasStopped }) { finished.wait(milliseconds: 20) }
    }

    private func run() {
        while true {
            let (job, stops) = state.withLock { state -> ((partition: Partition, depth: Depth)?, Bool) in
                state.isBusy = false
                if state.stops { return (nil, true) }
                guard let day = state.waiting.keys.min() else { return (nil, false) }
                state.isBusy = true
                if state.waiting[day]!.depth > .tiers { state.untidy.remove(day) }
                return (state.waiting.removeValue(forKey: day), false)
            }
            if stops { break }
            finished.signal()
            guard let job else {
                wake.wait(milliseconds: 60_000)
                continue
            }
            attempt(job.partition, job.depth)
        }
        state.withLock { $0.hasStopped = true }
        finished.signal()
    }

    private func attempt(_ partition: Partition, _ depth: Depth) {
        let day = partition.day
        // Whoever has it alone asks for its merges again.
        guard partition.upkeep.begin() else { return }
        defer { partition.upkeep.end() }
        if partition.isRetired {
            return state.withLock { state in
                state.unmerged[day] = nil
                state.untidy.remove(day)
            }
        }
        do {
            if !state.withLock({ $0.retries.mustWait(day) }) {
                try merge(partition, depth)
                state.withLock { state in
                    state.retries.succeeded(day)
                    state.lastError = nil
                }
            }
        } catch {
            let reason = "merging \(Partition.name(day: day)): \(error)"
            let isNew = state.withLock { state in
                state.lastError = reason
                return state.retries.failed(day, reason)
            }
            if isNew { logger.error("\(reason); its runs stay as they are, and it is tried again later") }
            damaged.withLock { $0 }?(partition, error)
        }
        // Space is given back and the log emptied whatever became of the runs.
        guard depth > .tiers else { return }
        do { try partition.tidy() } catch { logger.error("tidying \(Partition.name(day: day)): \(error)") }
    }

    private func merge(_ partition: Partition, _ depth: Depth) throws {
        while !state.withLock({ $0.stops }), try mergeOnce(partition, depth) { state.withLock { $0.merges += 1 } }
        let left = try partition.read { worthMerging(try RunTable.runs($0))?.count ?? 0 }
        state.withLock { $0.unmerged[partition.day] = left }
    }

    /// Whether there was something to merge.
    private func mergeOnce(_ partition: Partition, _ depth: Depth) throws -> Bool {
        let runs = try partition.read { try RunTable.runs($0) }
        let chosen =
            switch depth {
            case .tiers: choose(runs)
            case .settles: worthMerging(runs)
            case .closes: runs.count > 1 ? runs : nil
            }
        guard let chosen else { return false }
        try merge(chosen, in: partition)
        return true
    }

    /// The youngest runs from the oldest one on that is small enough beside all behind it. What is left are runs that
    /// shrink by ``fairShare`` from each to the next.
    private func worthMerging(_ runs: [Run]) -> [Run]? {
        var younger = 0
        var first: Int?
        for (index, run) in runs.enumerated().reversed() {
            let terms = run.ordinary + run.identities
            if index + 1 < runs.count, terms <= younger * Self.fairShare { first = index }
            younger += terms
        }
        return first.map { Array(runs[$0...]) }
    }

    /// The oldest row of `fanIn` neighbours of one level, lowest level first.
    private func choose(_ runs: [Run]) -> [Run]? {
        for level in Set(runs.map(\.level)).sorted() {
            var row: [Run] = []
            for run in runs {
                if run.level == level { row.append(run) } else { row.removeAll() }
                if row.count == fanIn { return row }
            }
        }
        return nil
    }

    private func merge(_ runs: [Run], in partition: Partition) throws {
        var merged = Run(
            number: 0, level: -1, blocks: runs[0].blocks.lowerBound...runs[runs.count - 1].blocks.upperBound, ordinary: 0, identities: 0)
        merged.number = try partition.writer().write { database in
            let number = try RunTable.freeNumber(database)
            merged.number = number
            try RunTable.insert(merged, database)
            return number
        }
        do {
            try write(&merged, from: runs, partition)
        } catch {
            try? partition.writer().write { try RunTable.delete(merged.number, $0) }
            throw error
        }
    }

    private func write(_ merged: inout Run, from runs: [Run], _ partition: Partition) throws {
        // Neighbours share a part of their terms; the sum is near enough for the pages' parameters.
        var pages = TermPageWriter(
            blocks: merged.blocks, ordinary: runs.reduce(0) { $0 + $1.ordinary }, identities: runs.reduce(0) { $0 + $1.identities })
        var streams = runs.map { TermStream(run: $0.number, partition: partition) }
        var blocks: [UInt32] = []
        for index in streams.indices { try streams[index].advance() }
        while true {
            var term = UInt64.max
            for stream in streams { term = min(term, stream.term) }
            if term == .max { break }
            blocks.removeAll(keepingCapacity: true)
            for index in streams.indices where streams[index].term == term {
                streams[index].readBlocks(into: &blocks)
                try streams[index].advance()
            }
            if term < Term.identities { merged.ordinary += 1 } else { merged.identities += 1 }
            blocks.withUnsafeBufferPointer { pages.add(term, $0) }
            if pages.pages.count >= Self.chunkPages {
                let chunk = pages.takePages()
                try partition.writer().write { try RunTable.insertTermPages(chunk, run: merged.number, $0) }
            }
        }
        pages.finish()
        let chunk = pages.takePages()
        try writeRollups(of: runs, into: merged.number, partition)
        merged.level = runs.reduce(0) { max($0, $1.level) } + 1
        let complete = merged
        try partition.writer().write { database in
            try RunTable.insertTermPages(chunk, run: complete.number, database)
            try RunTable.insert(complete, database)
            for run in runs { try RunTable.delete(run.number, database) }
        }
    }

    /// Sums the rollups, a range of keys at a time: all rows of a day's runs would be the largest thing in memory.
    private func writeRollups(of runs: [Run], into number: Int64, _ partition: Partition) throws {
        let bounds = try Self.rollupBounds(of: runs, partition)
        var rows: [(key: UInt64, count: UInt64)] = []
        for (index, first) in bounds.enumerated() {
            let range = first...(index + 1 < bounds.count ? bounds[index + 1] - 1 : Self.largestPageKey)
            rows.removeAll(keepingCapacity: true)
            try partition.scan { database in
                for run in runs {
                    try RunTable.rollups(range, run: run.number, database) { key, count in
                        if range.contains(RollupKey.pageKey(key)) { rows.append((key, count)) }
                    }
                }
            }
            rows.sort { $0.key < $1.key }
            var summed: [(key: UInt64, count: UInt64)] = []
            for row in rows {
                if let last = summed.last, last.key == row.key { summed[summed.count - 1].count += row.count } else { summed.append(row) }
            }
            let pages = RollupPage.pages(summed)
            try partition.writer().write { try RunTable.insertRollupPages(pages, run: number, $0) }
        }
    }

    /// First keys of ranges that hold about as much: some pages of the largest run, and as many of every other.
    private static func rollupBounds(of runs: [Run], _ partition: Partition) throws -> [UInt64] {
        guard let largest = runs.max(by: { $0.ordinary < $1.ordinary }) else { return [] }
        let base = largest.number << RunTable.rollupBits
        let keys = try partition.scan { database in
            try Int64.fetchAll(
                database, sql: "SELECT id FROM rollup_page WHERE id BETWEEN ? AND ? ORDER BY id",
                arguments: [base, base | Int64(largestPageKey)])
        }
        return [0] + stride(from: rollupPages, to: keys.count, by: rollupPages).map { UInt64(keys[$0] - base) }
    }

    /// Pages of one run that are summed at once; a page holds about 1,300 rows.
    private static let rollupPages = 32
    private static let largestPageKey = UInt64(1) << UInt64(RunTable.rollupBits) - 1
}

/// The terms of one run in order, read some pages at a time: no read transaction stays open while a large run is merged.
struct TermStream {
    /// `.max` at the end.
    private(set) var term: UInt64 = .max

    private let run: Int64
    private let partition: Partition
    /// In memory of their own, which the reader may point into.
    private var pages: [(first: UInt64, body: AppendOnly<UInt8>)] = []
    private var page = 0
    private var reader: TermPageReader?
    private var next: Int64?

    private static let pagesARead = 64

    init(run: Int64, partition: Partition) {
        self.run = run
        self.partition = partition
        next = run << RunTable.termBits
    }

    /// Moves to the next term. The blocks of the one before must have been read.
    mutating func advance() throws {
        while true {
            if reader?.next() == true {
                term = reader!.term
                return
            }
            page += 1
            if page >= pages.count { try load() }
            guard page < pages.count else {
                term = .max
                reader = nil
                return
            }
            let body = pages[page].body
            reader = TermPageReader(first: pages[page].first, body: UnsafeRawBufferPointer(start: body.base, count: body.capacity))
        }
    }

    mutating func readBlocks(into list: inout [UInt32]) { reader?.readBlocks(into: &list) }

    private mutating func load() throws {
        pages.removeAll(keepingCapacity: true)
        page = 0
        guard let from = next else { return }
        let end = run << RunTable.termBits | ((1 << RunTable.termBits) - 1)
        pages = try partition.scan { database in
            try Row.fetchAll(
                database.cachedStatement(sql: "SELECT id, body FROM term_page WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"),
                arguments: [from, end, Self.pagesARead]
            ).map { row in
                let stored: Data = row[1]
                let body = try stored.withUnsafeBytes { stored in
                    let page = try RunTable.checked(stored, row[0])
                    let body = AppendOnly<UInt8>(capacity: page.count)
                    UnsafeMutableRawPointer(body.base).copyMemory(from: page.baseAddress!, byteCount: page.count)
                    return body
                }
                return (first: UInt64(bitPattern: (row[0] as Int64) & ((1 << RunTable.termBits) - 1)), body: body)
            }
        }
        next = pages.count < Self.pagesARead ? nil : (run << RunTable.termBits | Int64(pages[pages.count - 1].first)) + 1
    }
}
