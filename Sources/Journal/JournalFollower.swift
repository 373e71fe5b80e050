import EventModel

/// A store fed by the journal. It keeps its own applied position with its own data and can be rebuilt from the journal.
public protocol JournalFollower: AnyObject, Sendable {
    var name: String { get }
    /// Everything below is durably applied; read by the journal to free segments.
    var appliedPosition: UInt64 { get }
    /// Where deliveries begin when it is attached. A follower that holds segments for reasons of its own and reads them
    /// from elsewhere need not be shown all of them again.
    var deliveryPosition: UInt64 { get }
    /// On the writer's thread, after the sync and before callers resume: an acknowledged event is visible at once.
    /// Must be quick (append to a window), and may ask the journal for positions, reads and statistics, but not attach
    /// or free segments: that waits for the lock under which followers are told.
    func committed(_ batch: CommittedBatch)
    /// The writer calls this before it takes the next group; a healthy follower whose window is full may block here
    /// for a short bounded time (back-pressure); a failed follower returns at once.
    func waitForRoom()
    /// Whether `waitForRoom` would return at once.
    var hasRoom: Bool { get }
    /// nil while healthy.
    var failure: String? { get }
    /// Once, before the first delivery: where a follower can read again what it had no room for. It must not keep the
    /// journal alive.
    func attached(to journal: Journal)
}

extension JournalFollower {
    public var deliveryPosition: UInt64 { appliedPosition }

    public func attached(to journal: Journal) {}
}

/// Deduplication beyond the group that is being written, asked on the writer's thread.
public protocol IdentityIndex: AnyObject, Sendable {
    /// `identity` is never 0. `content` is the end of the canonical line (without the newline) that the same event has
    /// again: from `"time":` on, or from `"tenant":` on where the producer gave no time. An answer other than `unknown`
    /// has been confirmed against the stored bytes: tenant, producer and original_id are the same, and for
    /// `duplicate` the stored line ends in `content`.
    func look(identity: UInt64, tenant: UInt32, content: UnsafeRawBufferPointer) -> IdentityMatch

    /// The same for the events of one batch, which nearly always are all unknown: answers in the questions' order for
    /// those that are not.
    func look(_ questions: [IdentityQuestion]) -> [IdentityAnswer]
}

extension IdentityIndex {
    public func look(_ questions: [IdentityQuestion]) -> [IdentityAnswer] {
        questions.compactMap { question in
            let match = look(identity: question.identity, tenant: question.tenant, content: question.content)
            return match == .unknown ? nil : IdentityAnswer(event: question.event, match: match)
        }
    }
}

/// One event that may be known; valid during the call that it is handed to.
public struct IdentityQuestion {
    /// Its place in the batch.
    public var event: Int
    public var identity: UInt64
    public var tenant: UInt32
    public var content: UnsafeRawBufferPointer

    public init(event: Int, identity: UInt64, tenant: UInt32, content: UnsafeRawBufferPointer) {
        self.event = event
        self.identity = identity
        self.tenant = tenant
        self.content = content
    }
}

public struct IdentityAnswer: Sendable, Equatable {
    /// As in the question.
    public var event: Int
    public var match: IdentityMatch

    public init(event: Int, match: IdentityMatch) {
        self.event = event
        self.match = match
    }
}

public enum IdentityMatch: Sendable, Equatable {
    case unknown
    case duplicate(seq: UInt64)
    case conflict(seq: UInt64)
    /// It may be known, but what would tell cannot be read now. The batch is refused: a double would stay for good.
    case unavailable(reason: String)
}

/// What the stores already hold, so that a journal that lost or freed its segments never gives a number twice.
public struct JournalFloor: Sendable {
    /// Next free position.
    public var position: UInt64
    public var tenants: [(name: String, number: UInt32, lastSeq: UInt64)]
    /// Nothing is received before it, milliseconds since 1970: the days before are sealed.
    public var received: Int64

    public init(position: UInt64 = 0, tenants: [(name: String, number: UInt32, lastSeq: UInt64)] = [], received: Int64 = 0) {
        self.position = position
        self.tenants = tenants
        self.received = received
    }
}
