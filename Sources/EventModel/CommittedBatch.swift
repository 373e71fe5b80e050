/// Events that are on disk: what the journal hands to its followers, live or read back from a segment.
public final class CommittedBatch: Sendable {
    /// Global position of the first event; the others follow without a gap.
    public let firstPosition: UInt64
    /// When the writer took them, milliseconds since 1970; never runs backwards from batch to batch.
    public let received: Int64
    /// Canonical lines, each ending in a newline.
    public let lines: [UInt8]
    public let events: [CommittedEvent]

    public init(firstPosition: UInt64, received: Int64, lines: [UInt8], events: [CommittedEvent]) {
        self.firstPosition = firstPosition
        self.received = received
        self.lines = lines
        self.events = events
    }

    /// Position of the event that would come next.
    public var endPosition: UInt64 { firstPosition + UInt64(events.count) }
}

/// One event of a ``CommittedBatch``.
public struct CommittedEvent: Sendable {
    /// Where its line lies in `lines`, in bytes; `length` counts the newline.
    public var offset: UInt32
    public var length: UInt32
    /// Number of the tenant in the ``TenantDirectory``.
    public var tenant: UInt32
    /// Per tenant, gapless, from 1.
    public var seq: UInt64
    /// Event time, milliseconds since 1970.
    public var time: Int64
    /// As in ``NormalisedEvent/identity``.
    public var identity: UInt64

    public init(offset: UInt32, length: UInt32, tenant: UInt32, seq: UInt64, time: Int64, identity: UInt64) {
        self.offset = offset
        self.length = length
        self.tenant = tenant
        self.seq = seq
        self.time = time
        self.identity = identity
    }
}
