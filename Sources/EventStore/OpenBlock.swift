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

    private static let firstLineBytes = 4096
    private static let firstEventCount = 8

    init(tenant: UInt32, day: Int64, firstPosition: UInt64, startBytes: Int, startTime: ContinuousClock.Instant) {
        view = BlockView(
            tenant: tenant, day: day, lines: AppendOnly(capacity: Self.firstLineBytes), events: AppendOnly(capacity: Self.firstEventCount))
        published = view
        self.firstPosition = firstPosition
        self.startBytes = startBytes
        self.startTime = startTime
    }

    /// `line` with its newline.
    func append(_ line: UnsafeRawBufferPointer, _ event: CommittedEvent, position: UInt64) {
        if view.byteCount + line.count > view.lines.capacity {
            view.lines = view.lines.grown(to: max(view.lines.capacity * 2, view.byteCount + line.count), keeping: view.byteCount)
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
