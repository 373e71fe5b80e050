/// What the normalising stage hands to the batching writer: events in canonical form that wait only for their
/// `seq`, `id` and `received`, which the writer alone can give.
///
/// All bodies lie in one buffer, so a batch of a thousand events is two allocations and not a thousand. A body is
/// the canonical line from `"time":` to the closing brace, without the newline; the writer puts
/// `{"seq":…,"id":"…","received":"…",` in front of it (see ``CommittedBatch``).
public struct NormalisedBatch: Sendable {
    /// Bodies one after the other, nothing between them.
    public var bodies: [UInt8] = []
    public var events: [NormalisedEvent] = []
    /// Names that `NormalisedEvent.tenant` points into.
    public var tenants: [String] = []

    public init() {}

    public var isEmpty: Bool { events.isEmpty }

    /// Index of `name` in `tenants`, added when it is new.
    public mutating func tenantIndex(_ name: String) -> UInt32 {
        if let last = tenants.last, last == name { return UInt32(tenants.count - 1) }
        if let found = tenants.firstIndex(of: name) { return UInt32(found) }
        tenants.append(name)
        return UInt32(tenants.count - 1)
    }
}

/// One event of a ``NormalisedBatch``.
public struct NormalisedEvent: Sendable {
    /// Where its body lies in `bodies`, in bytes.
    public var offset: UInt32
    public var length: UInt32
    /// Index into the batch's `tenants`.
    public var tenant: UInt32
    /// 1-based line of the request, for the answer.
    public var line: UInt32
    /// ``identityHash(tenant:producer:originalID:)`` or 0 where the event carries no `original_id`.
    public var identity: UInt64
    /// Event time, milliseconds since 1970.
    public var time: Int64
    /// Where the part of the body begins that a repeated event must share: 0, or behind the time (at `"tenant":`) when
    /// the producer gave none and the time of receipt stands in, so that an honest retry is a duplicate and no conflict.
    public var contentOffset: UInt32

    public init(
        offset: UInt32, length: UInt32, tenant: UInt32, line: UInt32, identity: UInt64, time: Int64, contentOffset: UInt32 = 0
    ) {
        self.offset = offset
        self.length = length
        self.tenant = tenant
        self.line = line
        self.identity = identity
        self.time = time
        self.contentOffset = contentOffset
    }
}
