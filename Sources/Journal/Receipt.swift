/// What became of a batch, once it is on disk.
public struct Receipt: Sendable, Equatable {
    /// In the order of the batch's events.
    public var outcomes: [Outcome]
    /// Newly accepted events only; one entry a tenant, in the order the batch names them.
    public var tenants: [TenantReceipt]

    public init(outcomes: [Outcome], tenants: [TenantReceipt]) {
        self.outcomes = outcomes
        self.tenants = tenants
    }
}

public enum Outcome: Sendable, Equatable {
    case accepted(seq: UInt64)
    /// The same event was taken before, as `seq`.
    case duplicate(seq: UInt64)
    /// Same producer and `original_id` as `seq`, other content; not taken.
    case conflict(seq: UInt64)
}

/// First and last `seq` given to a tenant's events of one batch. Events of duplicates and conflicts have none, and the
/// batch's own events of one tenant follow each other without a gap.
public struct TenantReceipt: Sendable, Equatable {
    public var tenant: String
    public var firstSeq: UInt64
    public var lastSeq: UInt64

    public init(tenant: String, firstSeq: UInt64, lastSeq: UInt64) {
        self.tenant = tenant
        self.firstSeq = firstSeq
        self.lastSeq = lastSeq
    }
}
