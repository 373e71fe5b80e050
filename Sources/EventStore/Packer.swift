import CLinux
import EventModel
import Foundation
import Logging
import Synchronization

/// Takes committed batches apart into one open block a tenant, and packs blocks when they are full.
///
/// A partial block waits in memory, where it is searchable, until its tenant fills it, so that blocks are nearly always
/// of full size. It is forced out when the window is short of room, when it holds back the journal's oldest segments,
/// when it grows old, when the day ends, and when somebody asks for everything. Then the first unpacked position moves on;
/// because packed events may lie above it, a replay skips what a tenant's last packed `seq` of that day covers.
final class Packer: @unchecked Sendable {
    // Unchecked: everything that is not in `store.state` or a lock belongs to the packer's thread; `packAll` hands its
    // wish over through `state` and waits.
    private let store: EventStore
    private let configuration: EventStoreConfiguration
    private let logger: Logger
    private let wake = Wake()
    private let finished = Wake()
    /// Signalled after each pass, for a writer that waits for room.
    let room = Wake()

    private var tools = PackTools()
    private var buffers: BlockBuffers
    private var writers: [Int64: DayWriter] = [:]
    private var blocks: [UInt32: OpenBlock] = [:]
    private let requests = Mutex(Requests())
    /// Of lines that came since the thread last looked.
    private let unheededBytes = Atomic(0)

    private struct Requests {
        var flushes = 0
        var flushed = 0
        var stops = false
        var hasStopped = false
        /// Days that were dropped since the thread last looked.
        var dropped: [Int64] = []
        var error: String?
        var busy: Duration = .zero
    }

    /// Time spent working since the start.
    var busy: Duration { requests.withLock { $0.busy } }

    /// Full blocks are packed together from this many bytes on, which spreads two syncs over many events...
    static let packBytes = 8 << 20
    /// ...or after this time, so that a slow stream does not pile them up.
    private static let packMilliseconds = 1000
    /// Less than this waits until the thread looks by itself.
    private static let wakeBytes = 64 << 10
    /// A pack is one transaction; more blocks than this go into the next.
    private static let largestPackBytes = 24 << 20

    init(store: EventStore, configuration: EventStoreConfiguration, logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        buffers = BlockBuffers(fullBytes: configuration.blockBytes)
    }

    func start() {
        let thread = Thread {
            clinux_name_thread("packer")
            self.run()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Wakes the thread once there is something worth waking for: a batch of one event would cost a change of threads
    /// between its commit and its acknowledgement, and what waits is searchable anyway.
    func batchCame(bytes: Int) {
        if unheededBytes.add(bytes, ordering: .relaxed).newValue >= Self.wakeBytes { wake.signal() }
    }

    /// The day was dropped: its files need not be held open.
    func forget(_ day: Int64) {
        requests.withLock { $0.dropped.append(day) }
        wake.signal()
    }

    /// Wakes the thread because somebody waits for room.
    func hurry() { wake.signal() }

    /// Returns when everything committed before the call is packed.
    func packAll() throws {
        let wanted = requests.withLock { requests -> Int in
            requests.flushes += 1
            return requests.flushes
        }
        wake.signal()
        while true {
            let (done, stopped, error) = requests.withLock { ($0.flushed >= wanted, $0.hasStopped, $0.error) }
            if let error, done { throw StoreError.failed(reason: error) }
            if done { return }
            if stopped { throw StoreError.failed(reason: "the store is closed") }
            finished.wait(milliseconds: 50)
        }
    }

    /// Returns when the thread has ended, without packing what is in the window.
    func stop() {
        requests.withLock { $0.stops = true }
        wake.signal()
        while !requests.withLock({ $0.hasStopped }) { finished.wait(milliseconds: 50) }
    }

    private func run() {
        var lastPack = ContinuousClock.now
        while true {
            let began = ContinuousClock.now
            let (stops, flushes) = requests.withLock { ($0.stops, $0.flushes) }
            if stops { break }
            for day in requests.withLock({ requests in
                defer { requests.dropped = [] }
                return requests.dropped
            }) { writers[day] = nil }
            takeApart()
            let catchesUp = store.catchUp()
            if catchesUp { takeApart() }
            let wantsAll = flushes > requests.withLock { $0.flushed }
            force(all: wantsAll)
            let waiting = store.state.withLock { $0.ready.reduce(0) { $0 + $1.view.byteCount } }
            let now = ContinuousClock.now
            let isDue = waiting >= Self.packBytes || (waiting > 0 && now - lastPack >= .milliseconds(Self.packMilliseconds))
            var error: String?
            if isDue || wantsAll {
                error = packReady()
                lastPack = .now
                room.signal()
            }
            requests.withLock { $0.busy += .now - began }
            if wantsAll {
                requests.withLock {
                    $0.flushed = flushes
                    $0.error = error
                }
                finished.signal()
            } else if catchesUp {
                room.signal()
            } else if !(isDue && error == nil && store.state.withLock { !$0.fresh.isEmpty }) {
                wake.wait(milliseconds: Self.packMilliseconds / 4)
            }
        }
        requests.withLock { $0.hasStopped = true }
        finished.signal()
        room.signal()
    }

    /// Moves every fresh batch into the tenants' open blocks.
    private func takeApart() {
        unheededBytes.store(0, ordering: .relaxed)
        while let batch = store.state.withLock({ $0.fresh.first }) {
            var touched: [OpenBlock] = []
            var closed: [OpenBlock] = []
            let now = ContinuousClock.now
            batch.batch.lines.withUnsafeBytes { lines in
                for event in batch.batch.events {
                    let line = UnsafeRawBufferPointer(rebasing: lines[Int(event.offset)..<Int(event.offset + event.length)])
                    let position = CanonicalLine(line)?.position ?? batch.batch.firstPosition
                    var block = blocks[event.tenant]
                    var isNext = false
                    if let full = block, full.view.day != batch.day || full.view.byteCount + line.count > configuration.blockBytes {
                        closed.append(full)
                        block = nil
                        isNext = true
                    }
                    if block == nil {
                        block = OpenBlock(
                            tenant: event.tenant, day: batch.day, firstPosition: position, startBytes: batch.startBytes, startTime: now,
                            follows: isNext, &buffers)
                        blocks[event.tenant] = block
                    }
                    if let block {
                        if block.view.byteCount == block.published.byteCount { touched.append(block) }
                        block.append(line, event, position: position, buffers)
                    }
                }
            }
            publish(touched: touched, closed: closed)
        }
    }

    private func publish(touched: [OpenBlock], closed: [OpenBlock]) {
        store.state.withLock { state in
            state.fresh.removeFirst()
            for block in touched {
                block.published = block.view
                state.open[block.view.tenant] = block
            }
            for block in closed {
                if state.open[block.view.tenant] === block { state.open[block.view.tenant] = nil }
                state.ready.append(block)
            }
        }
    }

    /// Closes partial blocks that must not wait longer.
    private func force(all: Bool) {
        let (windowBytes, committedBytes, readyBytes, today) = store.state.withLock { state in
            (state.windowBytes, state.committedBytes, state.ready.reduce(0) { $0 + $1.view.byteCount }, state.days.keys.max() ?? .min)
        }
        let now = ContinuousClock.now
        var forced = blocks.values.filter { block in
            all || block.view.day < today || committedBytes - block.startBytes > configuration.lagBytes
                || now - block.startTime > configuration.partialAge
        }
        let left = windowBytes - readyBytes - forced.reduce(0) { $0 + $1.view.byteCount }
        if left > configuration.windowBytes / 2 {
            // Short of room: the largest, which suffer least from being cut early, until a quarter of the window is used.
            var open = left
            let chosen = Set(forced.map(\.view.tenant))
            for block in blocks.values.filter({ !chosen.contains($0.view.tenant) }).sorted(by: { $0.view.byteCount > $1.view.byteCount }) {
                if open <= configuration.windowBytes / 4 { break }
                forced.append(block)
                open -= block.view.byteCount
            }
        }
        if forced.isEmpty { return }
        forced.sort { $0.firstPosition < $1.firstPosition }
        for block in forced { blocks[block.view.tenant] = nil }
        store.state.withLock { state in
            for block in forced {
                if state.open[block.view.tenant] === block { state.open[block.view.tenant] = nil }
                state.ready.append(block)
            }
        }
    }

    /// Packs what is ready, day by day; the reason when it cannot.
    private func packReady() -> String? {
        while true {
            let chosen = store.state.withLock { state -> [OpenBlock] in
                guard let day = state.ready.map(\.view.day).min() else { return [] }
                var bytes = 0
                return state.ready.filter { $0.view.day == day }.prefix { block in
                    defer { bytes += block.view.byteCount }
                    return bytes < Self.largestPackBytes
                }
            }
            if chosen.isEmpty { return nil }
            do {
                try pack(chosen)
            } catch {
                let reason = "packing \(Partition.name(day: chosen[0].view.day)): \(error)"
                let isNew = store.state.withLock { state in
                    defer { state.failure = reason }
                    return state.failure == nil
                }
                if isNew { logger.error("\(reason)") }
                writers[chosen[0].view.day] = nil
                return reason
            }
        }
    }

    private func pack(_ chosen: [OpenBlock]) throws {
        let day = chosen[0].view.day
        let writer = try writer(day)
        let identifiers = Set(chosen.map { ObjectIdentifier($0) })
        let applied = store.state.withLock { state in
            let ready = state.ready
            defer { state.ready = ready }
            state.ready.removeAll { identifiers.contains(ObjectIdentifier($0)) }
            return max(state.appliedPosition, state.firstUnpacked)
        }
        let packed = try writer.pack(chosen, appliedPosition: applied, tools: &tools, name: store.tenantName)
        var names: [UInt32: String] = [:]
        for entry in packed.entries where names[entry.tenant] == nil { names[entry.tenant] = store.tenantName(entry.tenant) }
        store.state.withLock { state in
            state.failure = nil
            state.packs += 1
            state.ready.removeAll { identifiers.contains(ObjectIdentifier($0)) }
            state.appliedPosition = applied
            for block in chosen {
                state.addToWindow(day: day, events: -block.view.count, bytes: -block.view.byteCount)
            }
            var dayState = state.days[day] ?? DayState(partition: writer.partition, tenants: [:], directory: BlockDirectory())
            state.days[day] = nil
            if let file = writer.file { dayState.directory?.add(file.file, piece: file.piece) }
            for (index, entry) in packed.entries.enumerated() {
                dayState.directory?.append(entry)
                dayState.tenants[entry.tenant, default: TenantSummary(name: names[entry.tenant] ?? "")].add(
                    entry, lastSeq: packed.lastSeqs[index])
                state.packedEnd = max(state.packedEnd, entry.lastPosition + 1)
            }
            state.days[day] = dayState
        }
        writer.published()
        store.forgetIdentities(of: chosen)
        for block in chosen { buffers.giveBack(block) }
        store.merger.packed(writer.partition)
        store.compactor?.packed()
    }

    private func writer(_ day: Int64) throws -> DayWriter {
        if let writer = writers[day] { return writer }
        // Only the last two days are written at once, so an older one is finished.
        for old in writers.keys.sorted().dropLast(1) { writers[old] = nil }
        let partition = try store.partitionForPacking(day)
        let writer = try DayWriter(partition, pieceBytes: configuration.pieceBytes)
        writers[day] = writer
        return writer
    }
}
