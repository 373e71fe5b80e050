import EventModel

/// One event of the window, beside its line.
struct WindowEvent {
    var offset: UInt32
    /// Counts the newline.
    var length: UInt32
    var seq: UInt64
    var time: Int64
    var position: UInt64
    var identity: UInt64
}

/// Memory that one thread appends to while others read what lies before the count they were given. It never moves;
/// when it is full its owner goes on in a larger one and readers keep this one alive.
final class AppendOnly<Element: BitwiseCopyable>: @unchecked Sendable {
    // Unchecked: elements below a count that was handed out under the store's lock are never written again, and only
    // the packer's thread writes above it.
    let base: UnsafeMutablePointer<Element>
    let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    func grown(to capacity: Int, keeping count: Int) -> AppendOnly {
        let larger = AppendOnly(capacity: capacity)
        larger.base.update(from: base, count: count)
        return larger
    }
}

/// The part of a block that readers may look at.
struct BlockView: Sendable {
    var tenant: UInt32
    /// Received-day of all its events.
    var day: Int64
    var lines: AppendOnly<UInt8>
    var events: AppendOnly<WindowEvent>
    var byteCount = 0
    var count = 0
    var minTime = Int64.max
    var maxTime = Int64.min

    func line(_ event: WindowEvent) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: lines.base + Int(event.offset), count: Int(event.length))
    }

    var allLines: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: lines.base, count: byteCount) }
}

/// A tenant's events that wait to become one block. The packer appends to `view`; what others may see of it is
/// `published`, which changes only under the store's lock, together with the removal of the batches it came from.
final class OpenBlock: @unchecked Sendable {
    // Unchecked: `view` belongs to the packer's thread; `published` is read and written under the store's lock.
    var view: BlockView
    var published: BlockView
    let firstPosition: UInt64
    /// Bytes committed by the journal before its first event, for judging how far it lags.
    let startBytes: Int
    let startTime: ContinuousClock.Instant

    private static let firstEventCount = 8

    /// Its buffer was given before it was needed.
    let isAhead: Bool

    /// `follows`: the tenant has just filled a block.
    init(
        tenant: UInt32, day: Int64, firstPosition: UInt64, startBytes: Int, startTime: ContinuousClock.Instant, follows: Bool,
        _ buffers: inout BlockBuffers
    ) {
        let (lines, isAhead) = buffers.first(isFull: follows)
        self.isAhead = isAhead
        view = BlockView(tenant: tenant, day: day, lines: lines, events: AppendOnly(capacity: Self.firstEventCount))
        published = view
        self.firstPosition = firstPosition
        self.startBytes = startBytes
        self.startTime = startTime
    }

    /// `line` with its newline.
    func append(_ line: UnsafeRawBufferPointer, _ event: CommittedEvent, position: UInt64, _ buffers: borrowing BlockBuffers) {
        if view.byteCount + line.count > view.lines.capacity {
            let larger = buffers.take(atLeast: view.byteCount + line.count, insteadOf: view.lines.capacity)
            larger.base.update(from: view.lines.base, count: view.byteCount)
            view.lines = larger
        }
        if view.count == view.events.capacity { view.events = view.events.grown(to: view.count * 2, keeping: view.count) }
        UnsafeMutableRawPointer(view.lines.base + view.byteCount).copyMemory(from: line.baseAddress!, byteCount: line.count)
        view.events.base[view.count] = WindowEvent(
            offset: UInt32(view.byteCount), length: UInt32(line.count), seq: event.seq, time: event.time, position: position,
            identity: event.identity)
        view.byteCount += line.count
        view.count += 1
        view.minTime = min(view.minTime, event.time)
        view.maxTime = max(view.maxTime, event.time)
    }
}

/// Memory for the lines of open blocks. A buffer of full size is used again, because giving 128 KiB back to the system
/// and faulting them in anew costs as much as copying them. Tenants that do not fill blocks get twice what they have, so
/// that thousands of quiet ones fit.
struct BlockBuffers {
    private let fullBytes: Int
    private var free: [AppendOnly<UInt8>] = []
    /// Of full size, given before they were needed.
    private var ahead = 0

    /// As many as one pack gives back.
    private static let keptBytes = 8 << 20
    /// Whatever tenants did before, no more than this is given ahead.
    private static let aheadBytes = 32 << 20
    private static let firstBytes = 4096

    init(fullBytes: Int) { self.fullBytes = fullBytes }

    /// For a tenant's next block; `isFull` when it is expected to be filled, as the one before it.
    mutating func first(isFull: Bool) -> (lines: AppendOnly<UInt8>, isAhead: Bool) {
        guard isFull, ahead * fullBytes < Self.aheadBytes else { return (AppendOnly(capacity: min(Self.firstBytes, fullBytes)), false) }
        ahead += 1
        return (free.popLast() ?? AppendOnly(capacity: fullBytes), true)
    }

    /// For a block that has outgrown `capacity`.
    func take(atLeast count: Int, insteadOf capacity: Int) -> AppendOnly<UInt8> {
        AppendOnly(capacity: count > fullBytes ? count : min(fullBytes, max(count, capacity * 2)))
    }

    /// Takes the buffer of a packed block back unless a lookup still reads it.
    mutating func giveBack(_ block: OpenBlock) {
        let empty = AppendOnly<UInt8>(capacity: 0)
        var lines = block.view.lines
        block.view.lines = empty
        block.published.lines = empty
        if block.isAhead { ahead -= 1 }
        guard lines.capacity == fullBytes, free.count * fullBytes < Self.keptBytes, isKnownUniquelyReferenced(&lines) else { return }
        free.append(lines)
    }
}
