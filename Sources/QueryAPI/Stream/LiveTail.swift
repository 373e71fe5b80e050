import EventModel
import Journal
import Synchronization

/// The newest committed events, for streams: one ring for all clients, however many there are.
///
/// A client holds only its position. While it keeps up it reads from the ring; when it falls behind the ring's end, it
/// reads the journal and the store instead and comes back. A slow client therefore costs no memory and loses nothing,
/// which a queue for each client could not promise.
public final class LiveTail: JournalFollower {
    public let name = "live"

    private struct State {
        var batches: [CommittedBatch] = []
        /// Index of the oldest batch kept; earlier entries are cut off in bulk.
        var first = 0
        var bytes = 0
        var end: UInt64
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
        var clients = 0
        var isClosed = false
    }

    private let state: Mutex<State>
    /// About a second of full load: a client that is further behind is better served from disk.
    private static let capacityBytes = 8 << 20
    /// Streams open at once; each holds a connection and a task.
    static let largestClientCount = 1024

    /// `end`: the journal's end position when this begins to follow.
    public init(from end: UInt64) { state = Mutex(State(end: end)) }

    /// It keeps nothing, so it never holds a segment back.
    public var appliedPosition: UInt64 { state.withLock { $0.end } }
    public var failure: String? { nil }
    public func waitForRoom() {}
    public var hasRoom: Bool { true }

    public var clientCount: Int { state.withLock { $0.clients } }

    public func committed(_ batch: CommittedBatch) {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.end = batch.endPosition
            guard state.clients > 0 else { return [] }
            state.batches.append(batch)
            state.bytes += batch.lines.count
            while state.bytes > Self.capacityBytes, state.first < state.batches.count - 1 {
                state.bytes -= state.batches[state.first].lines.count
                state.first += 1
            }
            if state.first > 256, state.first * 2 > state.batches.count {
                state.batches.removeFirst(state.first)
                state.first = 0
            }
            defer { state.waiting.removeAll(keepingCapacity: true) }
            return Array(state.waiting.values)
        }
        for client in waiting { client.resume() }
    }

    /// Next position that nobody has written yet.
    var endPosition: UInt64 { state.withLock { $0.end } }

    /// False when there are too many.
    func join() -> Bool {
        state.withLock { state in
            guard state.clients < Self.largestClientCount, !state.isClosed else { return false }
            state.clients += 1
            return true
        }
    }

    func leave() {
        state.withLock { state in
            state.clients -= 1
            guard state.clients == 0 else { return }
            state.batches.removeAll()
            state.first = 0
            state.bytes = 0
        }
    }

    enum Look {
        /// Batches from the position on, the first of which may begin before it.
        case batches([CommittedBatch])
        /// The position lies before what is kept here.
        case behind
        case nothingNew
        case closed
    }

    func look(from position: UInt64, limit: Int = 16) -> Look {
        state.withLock { state in
            // What is in memory is still sent when the server stops; nothing is read from disk any more.
            if position >= state.end { return state.isClosed ? .closed : .nothingNew }
            let kept = state.batches[state.first...]
            guard let oldest = kept.first, oldest.firstPosition <= position else { return state.isClosed ? .closed : .behind }
            return .batches(Array(kept.drop { $0.endPosition <= position }.prefix(limit)))
        }
    }

    /// Returns when something was committed at or behind `position`, at the end, or when the task is cancelled.
    func wait(for position: UInt64) async {
        let number = state.withLock { state -> Int in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if position < state.end || state.isClosed || Task.isCancelled { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }

    /// Ends every stream.
    public func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting.removeAll() }
            return Array(state.waiting.values)
        }
        for client in waiting { client.resume() }
    }
}
