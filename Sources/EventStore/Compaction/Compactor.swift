import CLinux
import Foundation
import Logging
import Synchronization

/// Rewrites what the packer wrote in haste as few files of large, well compressed members, while there is time.
///
/// A file is written under another name, synced, renamed, then one transaction moves its blocks there, then the
/// directory in memory follows, and only then the old files go. So at any instant every block lies in a file that the
/// index names; a stop leaves at most a file that no row refers to, which the next start deletes.
final class Compactor: @unchecked Sendable {
    // Unchecked: `gate` and `retries` belong to the thread; everything else is locked or constant.
    enum Step: CaseIterable, Sendable { case begun, written, renamed, committed, published, removed }

    private struct State {
        var settles = 0
        var settled = 0
        var settleError: String?
        var isPaused = false
        /// The work under way makes room for a day that is over; it begins anew later.
        var isAbandoned = false
        var isWorking = false
        var stops = false
        var hasStopped = false
        var compactions = 0
        var failures = 0
        var lastError: String?
        var waitsForIdleness = false
        var probe: (@Sendable (Step) throws -> Void)?
    }

    private struct Stopped: Error {}

    private let store: EventStore
    private let configuration: EventStoreConfiguration
    private let plan: CompactionPlan
    private let logger: Logger
    private let state = Mutex(State())
    private let wake = Wake()
    private let finished = Wake()
    private let thread = IdleThread<RewrittenPiece>()
    private var gate: IdleGate
    private var retries = Retries()

    private static let sampleMilliseconds = 250
    /// Between looks when nothing waits.
    private static let restMilliseconds = 5000

    init(store: EventStore, configuration: EventStoreConfiguration, logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        plan = CompactionPlan(configuration)
        gate = IdleGate(quiet: configuration.compactionIdle)
    }

    func start() {
        thread.start(name: "compactor")
        let control = Thread {
            clinux_name_thread("compaction")
            self.run()
        }
        control.stackSize = 1 << 20
        control.start()
    }

    func packed() { wake.signal() }

    /// Called at each step of a compaction, on the thread that does it; what it throws is the failure of that step.
    func probe(_ probe: @escaping @Sendable (Step) throws -> Void) { state.withLock { $0.probe = probe } }

    /// Does now what otherwise waits for an idle packer; returns when nothing is left to compact or merge.
    func settle() throws {
        let wanted = state.withLock { state in
            state.settles += 1
            return state.settles
        }
        wake.signal()
        while true {
            let (done, stopped, error) = state.withLock { ($0.settled >= wanted, $0.hasStopped, $0.settleError) }
            if done, let error { throw StoreError.failed(reason: error) }
            if done { return }
            if stopped { throw StoreError.failed(reason: "the store is closed") }
            finished.wait(milliseconds: 50)
        }
    }

    /// Returns when both threads work on nothing any more. An unfinished file is deleted.
    func stop() {
        state.withLock { $0.stops = true }
        wake.signal()
        thread.done.signal()
        while !state.withLock({ $0.hasStopped }) { finished.wait(milliseconds: 50) }
        thread.end()
    }

    func report(into statistics: inout StoreStatistics) {
        for (partition, isOver) in days() {
            let (waiting, all) = partition.pieces.withLock { list in
                (plan.waitingBytes(list.pieces, isOver: isOver), list.pieces.filter(\.name.isCompacted).reduce(0) { $0 + $1.bytes })
            }
            statistics.uncompactedBytes += waiting
            statistics.compactedBytes += all
        }
        state.withLock { state in
            statistics.compactions = state.compactions
            statistics.compactionsFailed = state.failures
            statistics.compactionError = state.lastError
            statistics.compactionWaits = state.waitsForIdleness
            statistics.compactionRuns = state.isWorking
        }
    }

    // MARK: The controlling thread

    private func run() {
        while true {
            let (stops, wanted, settled) = state.withLock { ($0.stops, $0.settles, $0.settled) }
            if stops { break }
            sample()
            let isAsked = wanted > settled
            let isIdle = gate.isIdle(at: .now)
            let days = days()
            let ready = isAsked ? days : days.filter { !retries.mustWait($0.partition.day) }
            if let job = nextJob(ready, isIdle: isIdle || isAsked) {
                if let error = perform(job), isAsked { finishSettling(wanted, error) }
                continue
            }
            let isLeft = nextJob(days, isIdle: true) != nil
            state.withLock { $0.waitsForIdleness = isLeft && !isIdle }
            if isIdle || isAsked { tidy(days, all: isAsked) }
            if isAsked {
                store.merger.drain()
                finishSettling(wanted, nil)
            }
            wake.wait(milliseconds: isLeft || store.merger.unmergedRuns > 0 ? Self.sampleMilliseconds : Self.restMilliseconds)
        }
        state.withLock { $0.hasStopped = true }
        finished.signal()
    }

    private func finishSettling(_ wanted: Int, _ error: String?) {
        state.withLock { state in
            state.settled = wanted
            state.settleError = error
        }
        finished.signal()
    }

    private func sample() {
        let waiting = store.state.withLock { $0.ready.reduce(0) { $0 + $1.view.byteCount } }
        gate.sample(at: .now, busy: store.packer?.busy ?? .zero, waitingBytes: waiting)
    }

    /// Oldest first, each with whether it is over.
    private func days() -> [(partition: Partition, isOver: Bool)] {
        store.state.withLock { state in
            let last = state.days.keys.max()
            return state.days.sorted { $0.key < $1.key }.map { ($0.value.partition, $0.key != last) }
        }
    }

    /// A day that is over is finished also under load, at the lowest priority: it would wait for ever otherwise.
    private func nextJob(_ days: [(partition: Partition, isOver: Bool)], isIdle: Bool) -> (partition: Partition, pieces: [Piece])? {
        for (partition, isOver) in days where isOver || isIdle {
            let pieces = partition.pieces.withLock { plan.next($0.pieces, isOver: isOver) }
            if !pieces.isEmpty { return (partition, pieces) }
        }
        return nil
    }

    /// Merges what small runs there are and gives space back, after the last pack.
    private func tidy(_ days: [(partition: Partition, isOver: Bool)], all: Bool) {
        for (partition, isOver) in days where all || store.merger.needsSettling(partition.day) {
            if isOver { store.merger.close(partition) } else { store.merger.settle(partition) }
        }
    }

    // MARK: One compaction

    /// The reason when it failed.
    private func perform(_ job: (partition: Partition, pieces: [Piece])) -> String? {
        let ids = Set(job.pieces.map(\.id))
        guard job.partition.pieces.withLock({ $0.close(forCompaction: ids) }) else {
            wake.wait(milliseconds: Self.sampleMilliseconds)
            return nil
        }
        state.withLock { state in
            state.isWorking = true
            state.waitsForIdleness = false
        }
        defer { state.withLock { $0.isWorking = false } }
        do {
            try checkRoom(job.partition, job.pieces)
            try compact(job.partition, job.pieces)
            retries.succeeded(job.partition.day)
            state.withLock { state in
                state.compactions += 1
                state.lastError = nil
            }
            return nil
        } catch is Stopped {
            return nil
        } catch {
            let reason = "compacting \(Partition.name(day: job.partition.day)): \(error)"
            retries.failed(job.partition.day, reason)
            let isNew = state.withLock { state in
                defer { state.lastError = reason }
                state.failures += 1
                return state.lastError != reason
            }
            if isNew { logger.error("\(reason); its files stay as they are, and it is tried again later") }
            return reason
        }
    }

    /// A disk that is nearly full is left to the journal.
    private func checkRoom(_ partition: Partition, _ pieces: [Piece]) throws {
        var status = statvfs()
        guard statvfs(partition.folder, &status) == 0 else { return }
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        guard free > 2 * pieces.reduce(0, { $0 + $1.bytes }) else {
            throw StoreError.io(path: partition.folder, operation: "making room", errno: ENOSPC)
        }
    }

    private func compact(_ partition: Partition, _ pieces: [Piece]) throws {
        let id = partition.pieces.withLock { $0.takeID() }
        let name = PieceName(
            compacted: pieces[0].name.numbers.lowerBound...pieces[pieces.count - 1].name.numbers.upperBound)
        let path = partition.path(of: name)
        let unfinished = path.dropLast(PieceName.suffix.count) + PieceName.unfinishedSuffix
        var isCommitted = false
        defer { if !isCommitted { unlink(String(unfinished)) } }
        try reach(.begun)
        let output = try MembersFile(path: String(unfinished), creates: true)
        let rewritten = try rewrite(partition, pieces, into: output, id: id)
        try reach(.written)
        guard rename(String(unfinished), path) == 0 else { throw StoreError.io(path: path, operation: "rename", errno: errno) }
        defer { if !isCommitted { unlink(path) } }
        try syncFolder(partition.folder)
        try reach(.renamed)
        let piece = Piece(id: id, name: name, bytes: rewritten.bytes)
        let file = try MembersFile(path: path)
        try commit(piece, rewritten.moved, partition, from: pieces)
        isCommitted = true
        try? reach(.committed)
        let old = Set(pieces.map(\.id))
        store.state.withLock { state in
            partition.pieces.withLock { $0.replace(old, with: piece) }
            state.days[partition.day]?.directory?.relocate(rewritten.moved, to: id, file, from: old)
            state.days[partition.day]?.compactions += 1
        }
        store.merger.packed(partition)
        try? reach(.published)
        for piece in pieces { unlink(partition.path(of: piece.name)) }
        try? reach(.removed)
    }

    /// The long part, on the idle thread. Between members it rests while the packer is pressed, unless the day is over.
    private func rewrite(_ partition: Partition, _ pieces: [Piece], into output: MembersFile, id: UInt32) throws -> RewrittenPiece {
        state.withLock { state in
            state.isPaused = false
            state.isAbandoned = false
        }
        // Read here: the connection is one that lookups wait for.
        let source = try PieceRewrite.Source(pieces, of: partition)
        thread.begin { [configuration] in
            var rewrite = PieceRewrite(
                source, into: output, id: id, level: configuration.compactionLevel, memberBytes: configuration.memberBytes)
            try rewrite.run { try self.pause() }
            return rewrite.rewritten
        }
        while true {
            if let rewritten = try thread.result() { return rewritten }
            thread.done.wait(milliseconds: Self.sampleMilliseconds)
            sample()
            let days = days()
            let isOver = days.contains { $0.partition === partition && $0.isOver }
            let isPressed = gate.isPressed && !isOver
            let isAbandoned = isPressed && nextJob(days, isIdle: false) != nil
            state.withLock { state in
                state.isPaused = isPressed && state.settles == state.settled
                state.isAbandoned = isAbandoned && state.isPaused
            }
        }
    }

    private func pause() throws {
        while true {
            let (isPaused, ends) = state.withLock { ($0.isPaused, $0.stops || $0.isAbandoned) }
            if ends { throw Stopped() }
            if !isPaused { return }
            usleep(50_000)
        }
    }

    private func commit(_ piece: Piece, _ moved: [(number: UInt32, location: BlockLocation)], _ partition: Partition, from old: [Piece])
        throws
    {
        try partition.writer().write { database in
            try PieceTable.put(piece, database)
            let statement = try database.cachedStatement(
                sql: "UPDATE block SET piece = ?, length = ?, offset = ?, member_bytes = ?, start = ?, checksum = ? WHERE id = ?")
            for (number, location) in moved {
                try statement.execute(arguments: [
                    Int64(location.piece), Int64(location.length), Int64(bitPattern: location.offset), Int64(location.memberBytes),
                    Int64(location.start), Int64(location.checksum), Int64(number),
                ])
            }
            for piece in old { try PieceTable.delete(piece.id, database) }
        }
    }

    private func reach(_ step: Step) throws {
        let probe = state.withLock { $0.probe }
        try probe?(step)
    }
}
