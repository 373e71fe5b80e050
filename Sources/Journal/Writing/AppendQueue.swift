import EventModel
import Glibc

/// A caller's batch and what to call once it is on disk.
struct AppendRequest: Sendable {
    let batch: NormalisedBatch
    let completion: @Sendable (Result<Receipt, JournalError>) -> Void
    /// The batch is empty; what is asked for is another segment.
    var beginsSegment = false
}

/// What waits for the writer: bounded by events and bytes, taken in order.
///
/// A pthread mutex with a condition, because the writer is a thread that must sleep without spinning and
/// `Synchronization.Mutex` has nothing to wait on.
///
/// Sendable: every access to the mutable state happens with `mutex` held.
final class AppendQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [AppendRequest] = []
    private var events = 0
    private var bytes = 0
    private var isClosed = false
    private let maxEvents: Int
    private let maxBytes: Int
    private let retryAfterSeconds: Int

    init(maxEvents: Int, maxBytes: Int, retryAfterSeconds: Int) {
        self.maxEvents = maxEvents
        self.maxBytes = maxBytes
        self.retryAfterSeconds = retryAfterSeconds
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(arrived, nil)
    }

    deinit {
        pthread_cond_destroy(arrived)
        pthread_mutex_destroy(mutex)
        arrived.deallocate()
        mutex.deallocate()
    }

    var depth: (events: Int, bytes: Int) { locked { (events, bytes) } }

    /// Nothing waits, and more may come.
    var isIdle: Bool { locked { waiting.isEmpty && !isClosed } }

    /// `nil` when the request was taken; the writer then calls its completion. A batch larger than the whole queue
    /// is taken when nothing else waits, or it could never be.
    func add(_ request: AppendRequest) -> JournalError? {
        let refusal: JournalError? = locked {
            if isClosed { return .closed }
            let eventsAfter = events + request.batch.events.count
            let bytesAfter = bytes + request.batch.bodies.count
            if !waiting.isEmpty, eventsAfter > maxEvents || bytesAfter > maxBytes {
                return .queueFull(events: events, bytes: bytes, retryAfterSeconds: retryAfterSeconds)
            }
            events = eventsAfter
            bytes = bytesAfter
            waiting.append(request)
            return nil
        }
        // With the mutex free, so that the writer does not wake to wait for it.
        if refusal == nil { pthread_cond_signal(arrived) }
        return refusal
    }

    /// Blocks until something waits; false when the queue is closed and empty.
    func waitForRequests() -> Bool {
        locked {
            while waiting.isEmpty, !isClosed { pthread_cond_wait(arrived, mutex) }
            return !waiting.isEmpty
        }
    }

    /// Moves waiting requests to `group`: at least one, then as many as stay within both bounds.
    func take(maxEvents: Int, maxBytes: Int, into group: inout [AppendRequest]) {
        locked {
            var count = 0
            var takenEvents = 0
            var takenBytes = 0
            for request in waiting {
                let nextEvents = takenEvents + request.batch.events.count
                let nextBytes = takenBytes + request.batch.bodies.count
                if count > 0, nextEvents > maxEvents || nextBytes > maxBytes { break }
                count += 1
                takenEvents = nextEvents
                takenBytes = nextBytes
            }
            group.append(contentsOf: waiting[..<count])
            waiting.removeFirst(count)
            events -= takenEvents
            bytes -= takenBytes
        }
    }

    /// Nothing is taken any more; what waits is still written.
    func close() {
        locked {
            isClosed = true
            pthread_cond_broadcast(arrived)
        }
    }

    private func locked<Answer>(_ body: () -> Answer) -> Answer {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
